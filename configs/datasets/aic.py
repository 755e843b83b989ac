aic = dict(
    num_keypoints=14,
    crop='plain',
    train=dict(
        type='AicDataset',
        data_root='aic',
        ann_file='annotations/aic_train.json',
        data_prefix=dict(
            img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'
        ),
    ),
    val=dict(
        type='AicDataset',
        data_root='aic',
        ann_file='annotations/aic_val.json',
        data_prefix=dict(
            img='ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911/'
        ),
    ),
    metric=dict(type='CocoMetric', use_area=False),
)
