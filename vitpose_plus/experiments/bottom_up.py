"""Makes the parts of a bottom-up config from the entry of a dataset.

``topdown`` does this for top-down models. A sample is a complete picture; boxes are not read.
"""

from copy import deepcopy

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.topdown import STRIDE, placed

PATCH = 16  # pixels; in a test the sides of a picture are made multiples of this
META_KEYS = ('id', 'img_id', 'img_path', 'crowd_index', 'ori_shape', 'img_shape')
META_KEYS += ('input_size', 'input_center', 'input_scale', 'flip_indices', 'dataset_name')


def bottom_up(
    name: str,
    entry: dict,
    affine: dict,
    input_hw: tuple[int, int] = (512, 512),
    sigma: float = 2.0,
    max_people: int = 30,
    data_root: str = 'data',
) -> tuple[dict, dict, dict, dict, dict, dict]:
    """Returns the parts of a bottom-up config that depend on its dataset.

    Args:
        name: The name of the dataset.
        entry: An entry of ``configs/datasets/`` whose metric is ``CocoMetric``. Its boxes and crops
            are not used; ``grouping_order`` is the order in which keypoints are added to people.
        affine: The transform of pictures in training; it gets ``input_size``.
        input_hw: Height and width of the input in training, in pixels. In a test the shorter side
            of the picture has this size, and the other side keeps the picture's proportions.
        sigma: The sigma of the Gaussian targets, in heatmap pixels.
        max_people: The largest number of people in a picture that get tags in training, and that
            are found in a test.
        data_root: The folder that contains the folders of all datasets.

    Returns:
        ``model``, ``train_dataloader``, ``val_dataloader``, ``test_dataloader``,
        ``val_evaluator`` and ``test_evaluator``, to be merged into those of the base config.
    """
    metric = entry['metric']
    if not isinstance(metric, dict) or metric['type'] != 'CocoMetric':
        raise UserError(
            f'The dataset {name} is not scored by CocoMetric alone. A bottom-up model needs this '
            'metric, which counts the people that it finds: use a dataset with only this metric.'
        )
    h, w = input_hw
    codec = dict(
        type='BatchedAssociativeEmbedding',
        input_size=(w, h),
        heatmap_size=(w // STRIDE, h // STRIDE),
        sigma=sigma,
        order=entry.get('grouping_order', ()),
        max_people=max_people,
    )
    model = dict(
        backbone=dict(input_hw=tuple(input_hw)),
        head=dict(num_keypoints=entry['num_keypoints'], decoder=codec),
    )
    # Empty for a dataset without a training set.
    train = _whole(entry['train'], data_root, _training(codec, affine)) if 'train' in entry else {}
    tests = [entry['val'], entry.get('test', entry['val'])]
    tests = [dict(_whole(split, data_root, _testing(codec)), test_mode=True) for split in tests]
    # Replaced, not merged: the parent of a config may be of another dataset.
    loaders = [dict(dataset=dict(dataset, _delete_=True)) for dataset in (train, *tests)]
    # Predicted people have no boxes, and no person is found twice.
    evaluator = dict(metric, prefix=name, nms_mode='none', score_mode='bbox', _delete_=True)
    return tuple(deepcopy(part) for part in (model, *loaders, evaluator, evaluator))


def _whole(split: dict, data_root: str, pipeline: list[dict]) -> dict:
    """Returns the dataset of a split; its samples are complete pictures."""
    dataset = placed(split, data_root)
    dataset.pop('bbox_file', None)
    return dict(dataset, data_mode='bottomup', pipeline=pipeline)


def _training(codec: dict, affine: dict) -> list[dict]:
    return [
        dict(type='LoadImage'),
        dict(affine, input_size=codec['input_size']),
        dict(type='WholePictureFlip', direction='horizontal'),
        dict(type='GenerateTarget', encoder=codec),
        dict(type='CrowdHeatmapMask'),
        dict(type='PackPoseInputs', meta_keys=META_KEYS),
    ]


def _testing(codec: dict) -> list[dict]:
    resize = dict(type='BottomupResize', resize_mode='expand', size_factor=PATCH)
    return [
        dict(type='LoadImage'),
        dict(resize, input_size=codec['input_size']),
        dict(type='PackPoseInputs', meta_keys=META_KEYS),
    ]
