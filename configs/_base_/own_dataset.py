# What `own_dataset_config` changes for a dataset of your own: few labelled pictures, one short
# training, boxes that are not exact.

augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    # As far as a first look errs. The default angle is for animals and people that stand upright.
    dict(
        type='RandomBBoxTransform',
        shift_factor=0.15,
        shift_prob=0.8,
        scale_factor=(0.7, 1.4),
        rotate_factor=30.0,
    ),
]
# The hue is kept: left and right, or single parts, may be marked by colours.
after_crop = [dict(type='YOLOXHSVRandomAug', hue_delta=0)]
