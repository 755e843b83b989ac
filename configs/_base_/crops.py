# The kinds of crop (docs/decoding.md). The authors train COCO and MPII with UDP, all others without
# it, and stretch MPII's square boxes; a dataset says which it is by one word, `crop`, in
# configs/datasets/.
crops = dict(
    udp=dict(
        codec=dict(type='BatchedUDPHeatmap'),
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

# The authors' (docs/decoding.md); their upper body is preferred where a normal is below 0.5.
augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody', min_upper_keypoints=3, upper_prioritized_prob=0.6915),
    dict(type='ClippedNormalBBoxTransform'),
]
