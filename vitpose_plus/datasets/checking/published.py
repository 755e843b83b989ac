"""The published counts of the official annotation files; unknown counts are not compared."""

# File -> its number of images and of annotations, and of annotations that its class uses.
PUBLISHED = {
    # cocodataset.org; instances as every log of the authors and of mmpose counts them
    'person_keypoints_train2017.json': dict(images=118_287, used=149_813),
    'person_keypoints_val2017.json': dict(images=5_000, used=6_352),
    'coco_wholebody_train_v1.0.json': dict(images=118_287),
    'coco_wholebody_val_v1.0.json': dict(images=5_000),
    # github.com/leoxiaobin/deep-high-resolution-net.pytorch/issues/34
    'mpii_train.json': dict(annotations=22_246),
    'mpii_val.json': dict(annotations=2_958),
    # CrowdPose's paper: 10,000, 2,000 and 8,000 images
    'mmpose_crowdpose_trainval.json': dict(images=12_000),
    'mmpose_crowdpose_test.json': dict(images=8_000),
    # OCHuman's paper; together 4,731 images and 8,110 people, according to its page
    'ochuman_coco_format_val_range_0.00_1.00.json': dict(images=2_500, annotations=4_313),
    'ochuman_coco_format_test_range_0.00_1.00.json': dict(images=2_231, annotations=3_797),
    # PoseBH's tools/dataset/prepro_apt36k.py, with the rule of `prepare-data apt36k`
    'train_annotations_1.json': dict(images=24_937, annotations=36_957),
    'val_annotations_1.json': dict(images=3_603, annotations=5_443),
    'test_annotations_1.json': dict(images=6_943, annotations=10_734),
}
