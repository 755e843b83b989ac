"""From a dataset's entry to the parts of a bottom-up config.

As ``vitpose_plus.experiment`` for top-down models: a config calls ``bottom_up`` once, with an entry
of ``configs/datasets/``. Pictures are read whole, and no boxes.
"""

from copy import deepcopy

from vitpose_plus.errors import UserError
from vitpose_plus.experiment import STRIDE, placed

PATCH = 16  # pixels; the sides of a tested picture are made whole multiples
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
    """The parts of a bottom-up config that follow from its dataset.

    Args:
        name: Of the dataset.
        entry: An entry of ``configs/datasets/`` whose metric is ``CocoMetric``. Its boxes and crops
            are not used; ``grouping_order`` is the order in which keypoints join people.
        affine: What is done to pictures in training; it is told the input's size.
        input_hw: Height and width of the input in training, in pixels. In a test it is as many as
            the shorter side of the picture needs.
        sigma: Of the Gaussian targets, in heatmap pixels.
        max_people: How many people of a picture are told apart.
        data_root: The folder that holds all datasets' folders.

    Returns:
        ``model``, ``train_dataloader``, ``val_dataloader``, ``test_dataloader``,
        ``val_evaluator`` and ``test_evaluator``, to be merged into those of the base config.
    """
    metric = entry['metric']
    if not isinstance(metric, dict) or metric['type'] != 'CocoMetric':
        raise UserError(
            f'The dataset {name} is not scored by CocoMetric alone, which counts the people that a '
            'bottom-up model finds: use a dataset that is.'
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
    pipelines = dict(train=_training(codec, affine), val=_testing(codec))
    parts = [_part(entry, split, pipelines, data_root) for split in ('train', 'val', 'test')]
    # Replaced, not merged: the parent of a config may be of another dataset.
    loaders = [dict(dataset=dict(part, _delete_=True)) for part in parts]
    # The people that are found have no boxes, and none is found twice.
    evaluator = dict(metric, prefix=name, nms_mode='none', score_mode='bbox', _delete_=True)
    return tuple(deepcopy(part) for part in (model, *loaders, evaluator, evaluator))


def _part(entry: dict, split: str, pipelines: dict[str, list], data_root: str) -> dict:
    """A split's dataset; nothing, for the training set of one that is only tested on."""
    if split == 'train':
        if 'train' not in entry:
            return {}
        own = dict(pipeline=pipelines['train'])
    else:
        own = dict(pipeline=pipelines['val'], test_mode=True)
    part = placed(entry.get(split, entry['val']), data_root)
    part.pop('bbox_file', None)
    return dict(part, data_mode='bottomup', **own)


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
