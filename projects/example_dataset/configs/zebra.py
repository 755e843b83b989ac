def zebra_metainfo():  # a function, so that its variables do not become config keys
    names = ['nose', 'neck', 'tail', 'left_fore', 'right_fore', 'left_hind', 'right_hind']
    swap = dict(left_fore='right_fore', right_fore='left_fore')
    swap |= dict(left_hind='right_hind', right_hind='left_hind')
    links = [('nose', 'neck'), ('neck', 'tail'), ('neck', 'left_fore'), ('neck', 'right_fore')]
    links += [('tail', 'left_hind'), ('tail', 'right_hind')]
    return dict(
        dataset_name='zebra',
        keypoint_info={
            i: dict(name=name, id=i, color=[255, 128, 0], type='', swap=swap.get(name, ''))
            for i, name in enumerate(names)
        },
        skeleton_info={
            i: dict(link=link, id=i, color=[0, 128, 255]) for i, link in enumerate(links)
        },
        joint_weights=[1.0] * 7,
        sigmas=[0.05] * 7,
    )


zebra = dict(
    num_keypoints=7,
    crop='udp',
    augmentation=dict(RandomHalfBody=None),  # off: it needs an upper and a lower body
    train=dict(
        type='BaseCocoStyleDataset',
        metainfo=zebra_metainfo(),
        data_root='ap10k',
        ann_file='annotations/zebra-train.json',
        data_prefix=dict(img='data/'),
    ),
    val=dict(
        type='BaseCocoStyleDataset',
        metainfo=zebra_metainfo(),
        data_root='ap10k',
        ann_file='annotations/zebra-val.json',
        data_prefix=dict(img='data/'),
    ),
    metric=dict(type='CocoMetric'),
)
