# Written by `vitpose new-dataset`: train it with `vitpose train`. All numbers may be changed.
_base_ = './dataset.py'
from vitpose_plus.experiments import own_dataset_config

globals().update(
    own_dataset_config(
        _base_,
        'zebra',
        arch='tiny',  # the size of the initial weights
        input_hw=(160, 224),  # height, width; the median crop is 181 wide and 138 high
        batch_size=16,  # small steps, for a CPU
        repeats=1,  # times that a picture is used in an epoch
        epochs=10,  # 520 iterations for 830 instances, trained weights
        lr=0.001,  # for AdamW and the size tiny
        warm_up=52,  # iterations; at most a tenth of all
        workers=1,  # this machine has 2 cores
        pretrained='tests/data/tiny_figures.pth',  # the initial weights of the backbone
        expert='ap10k',  # the expert that is folded into the backbone
    )
)
