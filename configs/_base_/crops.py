# The kinds of crop (docs/decoding.md). The authors use UDP for COCO and MPII only, and stretch the
# square boxes of MPII. In configs/datasets/, the field `crop` of a dataset is the name of its kind.
crops = dict(
    udp=dict(
        codec=dict(type='BatchedUDPHeatmap'),
        affine=dict(type='TopdownAffine', use_udp=True),
        shift_heatmap=False,
    ),
    # For datasets of your own: keypoints near the border of a crop are decoded without an error.
    udp_exact=dict(
        codec=dict(type='BorderExactUDPHeatmap'),
        affine=dict(type='TopdownAffine', use_udp=True),
        shift_heatmap=False,
    ),
    udp_stretched=dict(
        codec=dict(type='BatchedUDPHeatmap'),
        affine=dict(type='StretchedTopdownAffine', use_udp=True),
        shift_heatmap=False,
    ),
    plain=dict(
        codec=dict(type='BatchedMSRAHeatmap'),
        affine=dict(type='TopdownAffine'),
        shift_heatmap=True,
    ),
)

# As in the authors' code (docs/decoding.md). Their code prefers the upper body if a normally
# distributed number is below 0.5: this has a probability of 0.6915.
augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody', min_upper_keypoints=3, upper_prioritized_prob=0.6915),
    dict(type='ClippedNormalBBoxTransform'),
]
