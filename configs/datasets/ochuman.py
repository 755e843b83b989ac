# Nobody trains on it: models of COCO are tested on it, with COCO's keypoints and the true boxes.
ochuman = dict(
    num_keypoints=17,
    # The authors' slip, kept for their numbers: the model of COCO was trained with UDP, yet they
    # test it on OCHuman in plain crops, with a shifted flip.
    crop='plain',
    val=dict(
        type='OCHumanDataset',
        data_root='ochuman',
        ann_file='annotations/ochuman_coco_format_val_range_0.00_1.00.json',
        data_prefix=dict(img='images/'),
    ),
    test=dict(
        type='OCHumanDataset',
        data_root='ochuman',
        ann_file='annotations/ochuman_coco_format_test_range_0.00_1.00.json',
        data_prefix=dict(img='images/'),
    ),
    metric=dict(type='CocoMetric'),
)
