# Written by `vitpose new-dataset`. Lines with "guessed" are not in the labels: check them.
def zebra_metainfo():  # a function, so that its variables do not become config keys
    return dict(
        dataset_name='zebra',
        # swap: the keypoint that it becomes in a mirrored picture; guessed from the names
        keypoint_info={
            0: dict(name='nose', id=0, swap=''),
            1: dict(name='neck', id=1, swap=''),
            2: dict(name='tail', id=2, swap=''),
            3: dict(name='left_fore', id=3, swap='right_fore'),
            4: dict(name='right_fore', id=4, swap='left_fore'),
            5: dict(name='left_hind', id=5, swap='right_hind'),
            6: dict(name='right_hind', id=6, swap='left_hind'),
        },
        skeleton_info={
            0: dict(link=('nose', 'neck'), id=0),
            1: dict(link=('neck', 'tail'), id=1),
            2: dict(link=('neck', 'left_fore'), id=2),
            3: dict(link=('neck', 'right_fore'), id=3),
            4: dict(link=('tail', 'left_hind'), id=4),
            5: dict(link=('tail', 'right_hind'), id=5),
        },
        joint_weights=[1.0] * 7,  # mmpose needs them; they have no effect here
        sigmas=[0.05] * 7,  # guessed: the tolerance of AP (COCO: eye 0.025, hip 0.107)
    )


zebra = dict(
    num_keypoints=7,
    crop='udp_exact',  # decodes keypoints at the border of a crop without an error
    padding=1.25,  # the sides of a box are multiplied by it
    # The boxes of the label files; `predict` needs boxes, too; to change it, run new-dataset again
    boxes='file',
    augmentation=dict(
        # upright: labels are turned by up to 15 degrees
        RandomBBoxTransform=dict(rotate_factor=30.0),
        RandomHalfBody=None,  # needs an upper and a lower body
        RandomFlip=None,  # never mirrored: --no-flip, or no partners; delete this line to mirror
    ),
    train=dict(
        type='BaseCocoStyleDataset',
        metainfo=zebra_metainfo(),
        data_root=r"""{{ fileDirname }}""",
        ann_file='annotations/train.json',
        data_prefix=dict(img='../../../work_dirs/example_dataset/ap10k/data'),
    ),
    val=dict(
        type='BaseCocoStyleDataset',
        metainfo=zebra_metainfo(),
        data_root=r"""{{ fileDirname }}""",
        ann_file='annotations/val.json',
        data_prefix=dict(img='../../../work_dirs/example_dataset/ap10k/data'),
    ),
    metric=[dict(type='EPE'), dict(type='CocoMetric')],
)
