# Only for tests: models of COCO are tested on it, with COCO's keypoints and true boxes.
ochuman = dict(
    num_keypoints=17,
    # A mistake of the authors, kept to reproduce their numbers: they trained the model of COCO with
    # UDP, but tested it on OCHuman with plain crops and a shifted flip.
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
