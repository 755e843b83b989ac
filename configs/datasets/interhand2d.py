interhand2d = dict(
    num_keypoints=21,
    crop='plain',
    augmentation=dict(
        RandomHalfBody=None,
        ClippedNormalBBoxTransform=dict(rotate_factor=90.0, scale_factor=0.3),
    ),
    train=dict(
        type='InterHand2DDataset',
        data_root='interhand2.6m',
        ann_file='annotations/all/InterHand2.6M_train_data.json',
        camera_param_file='annotations/all/InterHand2.6M_train_camera.json',
        joint_file='annotations/all/InterHand2.6M_train_joint_3d.json',
        data_prefix=dict(img='images/train/'),
    ),
    val=dict(
        type='InterHand2DDataset',
        data_root='interhand2.6m',
        ann_file='annotations/machine_annot/InterHand2.6M_val_data.json',
        camera_param_file='annotations/machine_annot/InterHand2.6M_val_camera.json',
        joint_file='annotations/machine_annot/InterHand2.6M_val_joint_3d.json',
        data_prefix=dict(img='images/val/'),
    ),
    test=dict(
        type='InterHand2DDataset',
        data_root='interhand2.6m',
        ann_file='annotations/all/InterHand2.6M_test_data.json',
        camera_param_file='annotations/all/InterHand2.6M_test_camera.json',
        joint_file='annotations/all/InterHand2.6M_test_joint_3d.json',
        data_prefix=dict(img='images/test/'),
    ),
    metric=[
        # The first metric is the published one. It also decides which checkpoint is the best.
        dict(type='AUC', norm_factor=30, num_thrs=20),  # of the errors up to 30 pixels
        dict(type='PCKAccuracy', thr=0.2),
        dict(type='EPE'),
    ],
)
