# The authors' fine-tuning on hands: optimiser, schedule and epochs, in this order.
transfer = [
    dict(_delete_=True, optimizer=dict(type='Adam', lr=5e-4)),
    [
        dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
        dict(type='MultiStepLR', begin=0, end=60, milestones=[40, 50], gamma=0.1, by_epoch=True),
    ],
    dict(max_epochs=60),
]
