# As a second parent, what trainings on drawn figures have in common; their configs take it over.
# Gentle: the figures are mostly upright, and time is short.
gentle = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_factor=0.1, scale_factor=(0.8, 1.2), rotate_factor=30.0),
]
# Several runs share a machine: each is one process.
one_process = dict(num_workers=0, persistent_workers=False)
