# The two kinds of crop. The authors train COCO and MPII with UDP and all others without it; a
# dataset says which it is by one word, `crop`, in configs/datasets/.
crops = dict(
    udp=dict(codec=dict(type='UDPHeatmap'), use_udp=True, shift_heatmap=False),
    plain=dict(codec=dict(type='MSRAHeatmap'), use_udp=False, shift_heatmap=True),
)

augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
]
