coco = dict(
    num_keypoints=17,
    crop='udp',
    train=dict(
        type='CocoDataset',
        data_root='coco',
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
    ),
    val=dict(
        type='CocoDataset',
        data_root='coco',
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        bbox_file='person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
    ),
    metric=dict(type='CocoMetric'),
)
