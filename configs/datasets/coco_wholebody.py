coco_wholebody = dict(
    num_keypoints=133,
    crop='plain',
    train=dict(
        type='CocoWholeBodyDataset',
        data_root='coco',
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
    ),
    val=dict(
        type='CocoWholeBodyDataset',
        data_root='coco',
        ann_file='annotations/coco_wholebody_val_v1.0.json',
        data_prefix=dict(img='val2017/'),
        bbox_file='person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
    ),
    metric=dict(type='CocoWholeBodyMetric'),
)
