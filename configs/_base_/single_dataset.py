# ViTPose-B without its dataset: `single_dataset_config` adds input size, keypoints, dataset and
# metric.
_base_ = './topdown.py'

model = dict(type='TopdownPoseEstimator', head=_base_.classic_decoder)
train_dataloader = dict(batch_size=64, dataset=dict())
val_dataloader = dict(dataset=dict())
test_dataloader = dict(dataset=dict())
val_evaluator = dict()
test_evaluator = dict()
