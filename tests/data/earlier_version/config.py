aic = dict(
    crop='plain',
    metric=dict(type='CocoMetric', use_area=False),
    num_keypoints=14,
    train=dict(
        ann_file='annotations/aic_train.json',
        data_prefix=dict(
            img=
            'ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'
        ),
        data_root='aic',
        type='AicDataset'),
    val=dict(
        ann_file='annotations/aic_val.json',
        data_prefix=dict(
            img=
            'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911/'
        ),
        data_root='aic',
        type='AicDataset'))
ap10k = dict(
    crop='plain',
    metric=dict(type='CocoMetric'),
    num_keypoints=17,
    test=dict(
        ann_file='annotations/ap10k-test-split1.json',
        data_prefix=dict(img='data/'),
        data_root='ap10k',
        type='AP10KDataset'),
    train=dict(
        ann_file='annotations/ap10k-train-split1.json',
        data_prefix=dict(img='data/'),
        data_root='ap10k',
        type='AP10KDataset'),
    val=dict(
        ann_file='annotations/ap10k-val-split1.json',
        data_prefix=dict(img='data/'),
        data_root='ap10k',
        type='AP10KDataset'))
apt36k = dict(
    crop='plain',
    metric=dict(type='CocoMetric'),
    num_keypoints=17,
    train=dict(
        ann_file='annotations/train_annotations_1.json',
        data_prefix=dict(img=''),
        data_root='apt36k',
        type='APT36KDataset'),
    val=dict(
        ann_file='annotations/val_annotations_1.json',
        data_prefix=dict(img=''),
        data_root='apt36k',
        type='APT36KDataset'))
augmentation = [
    dict(direction='horizontal', type='RandomFlip'),
    dict(
        min_upper_keypoints=3,
        type='RandomHalfBody',
        upper_prioritized_prob=0.6915),
    dict(type='ClippedNormalBBoxTransform'),
]
auto_scale_lr = dict(base_batch_size=1024)
classic_decoder = dict(
    deconv_kernel_sizes=(
        4,
        4,
    ),
    deconv_out_channels=(
        256,
        256,
    ),
    in_channels=768,
    loss=dict(type='KeypointMSELoss', use_target_weight=True),
    type='HeatmapHead')
coco = dict(
    crop='udp',
    grouping_order=(
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        11,
        12,
        7,
        8,
        9,
        10,
        13,
        14,
        15,
        16,
    ),
    metric=dict(type='CocoMetric'),
    num_keypoints=17,
    train=dict(
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        data_root='coco',
        type='CocoDataset'),
    val=dict(
        ann_file='annotations/person_keypoints_val2017.json',
        bbox_file=
        'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        data_root='coco',
        type='CocoDataset'))
coco_wholebody = dict(
    crop='plain',
    metric=dict(type='CocoWholeBodyMetric'),
    num_keypoints=133,
    train=dict(
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
        data_root='coco',
        type='CocoWholeBodyDataset'),
    val=dict(
        ann_file='annotations/coco_wholebody_val_v1.0.json',
        bbox_file=
        'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        data_root='coco',
        type='CocoWholeBodyDataset'))
crops = dict(
    plain=dict(
        affine=dict(type='TopdownAffine'),
        codec=dict(type='BatchedMSRAHeatmap'),
        shift_heatmap=True),
    udp=dict(
        affine=dict(type='TopdownAffine', use_udp=True),
        codec=dict(type='BatchedUDPHeatmap'),
        shift_heatmap=False),
    udp_stretched=dict(
        affine=dict(type='StretchedTopdownAffine', use_udp=True),
        codec=dict(type='BatchedUDPHeatmap'),
        shift_heatmap=False))
custom_imports = dict(imports=[
    'vitpose_plus',
])
datasets = dict(
    aic=dict(
        crop='plain',
        metric=dict(type='CocoMetric', use_area=False),
        num_keypoints=14,
        train=dict(
            ann_file='annotations/aic_train.json',
            data_prefix=dict(
                img=
                'ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'
            ),
            data_root='aic',
            type='AicDataset'),
        val=dict(
            ann_file='annotations/aic_val.json',
            data_prefix=dict(
                img=
                'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911/'
            ),
            data_root='aic',
            type='AicDataset')),
    ap10k=dict(
        crop='plain',
        metric=dict(type='CocoMetric'),
        num_keypoints=17,
        test=dict(
            ann_file='annotations/ap10k-test-split1.json',
            data_prefix=dict(img='data/'),
            data_root='ap10k',
            type='AP10KDataset'),
        train=dict(
            ann_file='annotations/ap10k-train-split1.json',
            data_prefix=dict(img='data/'),
            data_root='ap10k',
            type='AP10KDataset'),
        val=dict(
            ann_file='annotations/ap10k-val-split1.json',
            data_prefix=dict(img='data/'),
            data_root='ap10k',
            type='AP10KDataset')),
    apt36k=dict(
        crop='plain',
        metric=dict(type='CocoMetric'),
        num_keypoints=17,
        train=dict(
            ann_file='annotations/train_annotations_1.json',
            data_prefix=dict(img=''),
            data_root='apt36k',
            type='APT36KDataset'),
        val=dict(
            ann_file='annotations/val_annotations_1.json',
            data_prefix=dict(img=''),
            data_root='apt36k',
            type='APT36KDataset')),
    coco=dict(
        crop='udp',
        grouping_order=(
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            11,
            12,
            7,
            8,
            9,
            10,
            13,
            14,
            15,
            16,
        ),
        metric=dict(type='CocoMetric'),
        num_keypoints=17,
        train=dict(
            ann_file='annotations/person_keypoints_train2017.json',
            data_prefix=dict(img='train2017/'),
            data_root='coco',
            type='CocoDataset'),
        val=dict(
            ann_file='annotations/person_keypoints_val2017.json',
            bbox_file=
            'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
            data_prefix=dict(img='val2017/'),
            data_root='coco',
            type='CocoDataset')),
    coco_wholebody=dict(
        crop='plain',
        metric=dict(type='CocoWholeBodyMetric'),
        num_keypoints=133,
        train=dict(
            ann_file='annotations/coco_wholebody_train_v1.0.json',
            data_prefix=dict(img='train2017/'),
            data_root='coco',
            type='CocoWholeBodyDataset'),
        val=dict(
            ann_file='annotations/coco_wholebody_val_v1.0.json',
            bbox_file=
            'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
            data_prefix=dict(img='val2017/'),
            data_root='coco',
            type='CocoWholeBodyDataset')),
    mpii=dict(
        augmentation=dict(RandomHalfBody=None),
        crop='udp_stretched',
        metric=dict(type='ZeroBasedMpiiPCKAccuracy'),
        num_keypoints=16,
        train=dict(
            ann_file='annotations/mpii_train.json',
            data_prefix=dict(img='images/'),
            data_root='mpii',
            type='ZeroBasedMpiiDataset'),
        val=dict(
            ann_file='annotations/mpii_val.json',
            data_prefix=dict(img='images/'),
            data_root='mpii',
            headbox_file='annotations/mpii_gt_val.mat',
            type='ZeroBasedMpiiDataset')))
default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=1, type='CheckpointHook'),
    checkpoint_guard=dict(type='CheckpointGuardHook'),
    logger=dict(interval=50, type='LoggerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    timer=dict(type='IterTimerHook'),
    visualization=dict(enable=False, type='PoseVisualizationHook'))
default_scope = 'mmpose'
env_cfg = dict(
    cudnn_benchmark=True,
    dist_cfg=dict(backend='nccl'),
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
gentle = [
    dict(direction='horizontal', type='RandomFlip'),
    dict(
        rotate_factor=30.0,
        scale_factor=(
            0.8,
            1.2,
        ),
        shift_factor=0.1,
        type='RandomBBoxTransform'),
]
launcher = 'none'
load_from = 'out/epoch_2.pth'
log_level = 'INFO'
log_processor = dict(
    by_epoch=True, num_digits=6, type='LogProcessor', window_size=50)
max_epochs = 4
model = dict(
    backbone=dict(
        arch=dict(depth=1, dim=32, num_heads=2),
        drop_path_rate=0.0,
        ffn=dict(num_experts=6, type='PartiallySharedFFN'),
        input_hw=(
            64,
            48,
        ),
        type='ViT'),
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            123.675,
            116.28,
            103.53,
        ],
        std=[
            58.395,
            57.12,
            57.375,
        ],
        type='PoseDataPreprocessor'),
    head=dict(
        head=dict(
            deconv_kernel_sizes=(
                4,
                4,
            ),
            deconv_out_channels=(
                8,
                8,
            ),
            in_channels=32,
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
            type='HeatmapHead'),
        heads=[
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedUDPHeatmap'),
                dataset='coco',
                num_keypoints=17,
                test_cfg=dict(shift_heatmap=False)),
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedMSRAHeatmap'),
                dataset='aic',
                num_keypoints=14,
                test_cfg=dict(shift_heatmap=True)),
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedUDPHeatmap'),
                dataset='mpii',
                num_keypoints=16,
                test_cfg=dict(shift_heatmap=False)),
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedMSRAHeatmap'),
                dataset='ap10k',
                num_keypoints=17,
                test_cfg=dict(shift_heatmap=True)),
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedMSRAHeatmap'),
                dataset='apt36k',
                num_keypoints=17,
                test_cfg=dict(shift_heatmap=True)),
            dict(
                codec=dict(
                    heatmap_size=(
                        12,
                        16,
                    ),
                    input_size=(
                        48,
                        64,
                    ),
                    sigma=1.0,
                    type='BatchedMSRAHeatmap'),
                dataset='coco_wholebody',
                num_keypoints=133,
                test_cfg=dict(shift_heatmap=True)),
        ],
        type='MultiDatasetHead'),
    test_cfg=dict(flip_mode='heatmap', flip_test=True),
    train_cfg=dict(compute_acc=False),
    type='MultiDatasetTopdown')
model_wrapper_cfg = dict(
    broadcast_buffers=False, device_ids=None, type='MMDistributedDataParallel')
mpii = dict(
    augmentation=dict(RandomHalfBody=None),
    crop='udp_stretched',
    metric=dict(type='ZeroBasedMpiiPCKAccuracy'),
    num_keypoints=16,
    train=dict(
        ann_file='annotations/mpii_train.json',
        data_prefix=dict(img='images/'),
        data_root='mpii',
        type='ZeroBasedMpiiDataset'),
    val=dict(
        ann_file='annotations/mpii_val.json',
        data_prefix=dict(img='images/'),
        data_root='mpii',
        headbox_file='annotations/mpii_gt_val.mat',
        type='ZeroBasedMpiiDataset'))
one_process = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(
    clip_grad=dict(max_norm=1.0, norm_type=2),
    constructor='LayerDecayOptimWrapperConstructor',
    optimizer=dict(
        betas=(
            0.9,
            0.999,
        ), lr=0.0015, type='AdamW', weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=1.0, num_layers=1))
param_scheduler = [
    dict(begin=0, by_epoch=False, end=100, start_factor=0.01, type='LinearLR'),
    dict(
        T_max=4,
        by_epoch=True,
        convert_to_iter_based=True,
        type='CosineAnnealingLR'),
]
randomness = dict(seed=0)
resume = False
simple_decoder = dict(
    deconv_kernel_sizes=[],
    deconv_out_channels=[],
    final_layer=dict(kernel_size=3, padding=1))
test_cfg = dict()
test_dataloader = dict(
    batch_size=6,
    dataset=dict(
        datasets=[
            dict(
                ann_file='annotations/person_keypoints_val2017.json',
                bbox_file=
                'work_dirs/demo/figures/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
                data_prefix=dict(img='val2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='TopdownAffine',
                        use_udp=True),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='CocoDataset'),
            dict(
                ann_file='annotations/aic_val.json',
                data_prefix=dict(
                    img=
                    'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911/'
                ),
                data_root='work_dirs/demo/figures/aic',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='AicDataset'),
            dict(
                ann_file='annotations/mpii_val.json',
                data_prefix=dict(img='images/'),
                data_root='work_dirs/demo/figures/mpii',
                headbox_file=
                'work_dirs/demo/figures/mpii/annotations/mpii_gt_val.mat',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='StretchedTopdownAffine',
                        use_udp=True),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='ZeroBasedMpiiDataset'),
            dict(
                ann_file='annotations/ap10k-test-split1.json',
                data_prefix=dict(img='data/'),
                data_root='work_dirs/demo/figures/ap10k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='AP10KDataset'),
            dict(
                ann_file='annotations/val_annotations_1.json',
                data_prefix=dict(img=''),
                data_root='work_dirs/demo/figures/apt36k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='APT36KDataset'),
            dict(
                ann_file='annotations/coco_wholebody_val_v1.0.json',
                bbox_file=
                'work_dirs/demo/figures/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
                data_prefix=dict(img='val2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='CocoWholeBodyDataset'),
        ],
        type='MultiDataset'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'))
test_evaluator = dict(
    metrics=[
        dict(dataset='coco', type='CocoMetric'),
        dict(dataset='aic', type='CocoMetric', use_area=False),
        dict(dataset='mpii', type='ZeroBasedMpiiPCKAccuracy'),
        dict(dataset='ap10k', type='CocoMetric'),
        dict(dataset='apt36k', type='CocoMetric'),
        dict(dataset='coco_wholebody', type='CocoWholeBodyMetric'),
    ],
    type='DatasetwiseEvaluator')
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=100)
train_dataloader = dict(
    batch_size=6,
    dataset=dict(
        datasets=[
            dict(
                ann_file='annotations/person_keypoints_train2017.json',
                data_prefix=dict(img='train2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='TopdownAffine',
                        use_udp=True),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedUDPHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='CocoDataset'),
            dict(
                ann_file='annotations/aic_train.json',
                data_prefix=dict(
                    img=
                    'ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'
                ),
                data_root='work_dirs/demo/figures/aic',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedMSRAHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='AicDataset'),
            dict(
                ann_file='annotations/mpii_train.json',
                data_prefix=dict(img='images/'),
                data_root='work_dirs/demo/figures/mpii',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='StretchedTopdownAffine',
                        use_udp=True),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedUDPHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='ZeroBasedMpiiDataset'),
            dict(
                ann_file='annotations/ap10k-train-split1.json',
                data_prefix=dict(img='data/'),
                data_root='work_dirs/demo/figures/ap10k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedMSRAHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='AP10KDataset'),
            dict(
                ann_file='annotations/train_annotations_1.json',
                data_prefix=dict(img=''),
                data_root='work_dirs/demo/figures/apt36k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedMSRAHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='APT36KDataset'),
            dict(
                ann_file='annotations/coco_wholebody_train_v1.0.json',
                data_prefix=dict(img='train2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(direction='horizontal', type='RandomFlip'),
                    dict(
                        rotate_factor=30.0,
                        scale_factor=(
                            0.8,
                            1.2,
                        ),
                        shift_factor=0.1,
                        type='RandomBBoxTransform'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(
                        encoder=dict(
                            heatmap_size=(
                                12,
                                16,
                            ),
                            input_size=(
                                48,
                                64,
                            ),
                            sigma=1.0,
                            type='BatchedMSRAHeatmap'),
                        type='GenerateTarget'),
                    dict(type='PackPoseInputs'),
                ],
                type='CocoWholeBodyDataset'),
        ],
        type='MultiDataset'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=True, type='DefaultSampler'))
upsampling = dict(
    apply_relu=True, scale_factor=4.0, type='FeatureMapProcessor')
val_cfg = dict()
val_dataloader = dict(
    batch_size=6,
    dataset=dict(
        datasets=[
            dict(
                ann_file='annotations/person_keypoints_val2017.json',
                bbox_file=
                'work_dirs/demo/figures/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
                data_prefix=dict(img='val2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='TopdownAffine',
                        use_udp=True),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='CocoDataset'),
            dict(
                ann_file='annotations/aic_val.json',
                data_prefix=dict(
                    img=
                    'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911/'
                ),
                data_root='work_dirs/demo/figures/aic',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='AicDataset'),
            dict(
                ann_file='annotations/mpii_val.json',
                data_prefix=dict(img='images/'),
                data_root='work_dirs/demo/figures/mpii',
                headbox_file=
                'work_dirs/demo/figures/mpii/annotations/mpii_gt_val.mat',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(
                        input_size=(
                            48,
                            64,
                        ),
                        type='StretchedTopdownAffine',
                        use_udp=True),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='ZeroBasedMpiiDataset'),
            dict(
                ann_file='annotations/ap10k-val-split1.json',
                data_prefix=dict(img='data/'),
                data_root='work_dirs/demo/figures/ap10k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='AP10KDataset'),
            dict(
                ann_file='annotations/val_annotations_1.json',
                data_prefix=dict(img=''),
                data_root='work_dirs/demo/figures/apt36k',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='APT36KDataset'),
            dict(
                ann_file='annotations/coco_wholebody_val_v1.0.json',
                bbox_file=
                'work_dirs/demo/figures/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
                data_prefix=dict(img='val2017/'),
                data_root='work_dirs/demo/figures/coco',
                pipeline=[
                    dict(type='LoadImage'),
                    dict(type='GetBBoxCenterScale'),
                    dict(input_size=(
                        48,
                        64,
                    ), type='TopdownAffine'),
                    dict(type='PackPoseInputs'),
                ],
                test_mode=True,
                type='CocoWholeBodyDataset'),
        ],
        type='MultiDataset'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'))
val_evaluator = dict(
    metrics=[
        dict(dataset='coco', type='CocoMetric'),
        dict(dataset='aic', type='CocoMetric', use_area=False),
        dict(dataset='mpii', type='ZeroBasedMpiiPCKAccuracy'),
        dict(dataset='ap10k', type='CocoMetric'),
        dict(dataset='apt36k', type='CocoMetric'),
        dict(dataset='coco_wholebody', type='CocoWholeBodyMetric'),
    ],
    type='DatasetwiseEvaluator')
vis_backends = [
    dict(type='LocalVisBackend'),
]
visualizer = dict(
    name='visualizer',
    type='PoseLocalVisualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
    ])
work_dir = 'out'
