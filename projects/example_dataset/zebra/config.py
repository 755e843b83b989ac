# Written by `vitpose new-dataset`; train it with `vitpose train`. The numbers may be changed.
_base_ = './dataset.py'
from vitpose_plus.experiments import own_dataset_config

globals().update(
    own_dataset_config(
        _base_,
        'zebra',
        arch='tiny',  # the size of the initial weights
        input_hw=(160, 224),  # height, width, in steps of 32; median box: 181 wide, 137 high
        batch_size=16,  # instances in a step, without a GPU
        repeats=1,  # passes over the training pictures in an epoch
        epochs=15,  # 405 iterations for 423 instances, trained weights
        lr=0.001,  # the largest learning rate, for the size tiny
        warm_up=40,  # iterations in which the learning rate rises
        workers=1,  # processes that load pictures; 2 cores
        pretrained='{{ fileDirname }}/../../../tests/data/tiny_figures.pth',  # the initial weights
        expert='ap10k',  # the expert that is used
    )
)
