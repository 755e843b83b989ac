mpii = dict(
    num_keypoints=16,
    crop='udp_stretched',
    augmentation=dict(RandomHalfBody=None, RandomBBoxTransform=dict(shift_prob=0.0)),
    train=dict(
        type='ZeroBasedMpiiDataset',
        data_root='mpii',
        ann_file='annotations/mpii_train.json',
        data_prefix=dict(img='images/'),
    ),
    val=dict(
        type='ZeroBasedMpiiDataset',
        data_root='mpii',
        ann_file='annotations/mpii_val.json',
        data_prefix=dict(img='images/'),
        headbox_file='annotations/mpii_gt_val.mat',
    ),
    metric=dict(type='ZeroBasedMpiiPCKAccuracy'),
)
