# The common settings of trainings on synthetic figures. Add this file as a second base, and use the
# variables in the config.
# Little augmentation, because the figures are mostly upright and the trainings are short.
gentle = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_factor=0.1, scale_factor=(0.8, 1.2), rotate_factor=30.0),
]
# No workers, because several runs share a machine, or the model needs all of its cores.
one_process = dict(num_workers=0, persistent_workers=False)
# The first example on the page (vitpose app) is a synthetic figure.
predict = dict(example='figures')
