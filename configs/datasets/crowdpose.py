crowdpose = dict(
    num_keypoints=14,
    crop='plain',
    augmentation=dict(RandomHalfBody=dict(min_total_keypoints=7)),  # of 14 keypoints; COCO has 17
    train=dict(
        type='CrowdPoseDataset',
        data_root='crowdpose',
        ann_file='annotations/mmpose_crowdpose_trainval.json',
        data_prefix=dict(img='images/'),
    ),
    # mmpose and the authors validate on the test set, with boxes of YOLOv3.
    val=dict(
        type='CrowdPoseDataset',
        data_root='crowdpose',
        ann_file='annotations/mmpose_crowdpose_test.json',
        data_prefix=dict(img='images/'),
        bbox_file='annotations/det_for_crowd_test_0.1_0.5.json',
    ),
    metric=dict(type='CocoMetric', use_area=False, iou_type='keypoints_crowd'),
    # For a bottom-up model: head first, then trunk, then limbs.
    grouping_order=(12, 13, 0, 1, 6, 7, 2, 3, 4, 5, 8, 9, 10, 11),
)
