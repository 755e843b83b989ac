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
    # For a bottom-up model: head first, then trunk, then limbs, as in HigherHRNet.
    grouping_order=(0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16),
)
