apt36k = dict(
    num_keypoints=17,
    crop='plain',
    train=dict(
        type='APT36KDataset',
        data_root='apt36k',
        ann_file='annotations/train_annotations_1.json',
        data_prefix=dict(img=''),
    ),
    val=dict(
        type='APT36KDataset',
        data_root='apt36k',
        ann_file='annotations/val_annotations_1.json',
        data_prefix=dict(img=''),
    ),
    metric=dict(type='CocoMetric'),
)
