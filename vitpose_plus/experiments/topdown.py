"""Makes the heads, experts, loaders and metrics of a config from its datasets.

The functions return plain dicts, so a dumped config contains everything and needs no code. A config
calls the functions in ``configs.py``, which return a mapping. The functions here return tuples.
"""

import os.path as osp
from collections.abc import Sequence
from copy import deepcopy

from vitpose_plus.errors import UserError
from vitpose_plus.experiments import pipelines

STRIDE = 4  # a heatmap pixel has this number of input pixels in x and y, in every ViTPose
REQUIRED = ('num_keypoints', 'crop', 'val', 'metric')  # fields of a dataset's entry


def multi_task(
    datasets: dict[str, dict],
    crops: dict[str, dict],
    augmentation: Sequence[dict],
    input_hw: tuple[int, int] = (256, 192),
    sigma: float = 2.0,
    data_root: str = 'data',
) -> tuple[dict, dict, dict, dict, dict, dict]:
    """Returns the parts of a config with a head for each of several datasets.

    Args:
        datasets: Dataset name -> entry, in the order of the experts. An entry has
            ``num_keypoints``, ``crop`` (a key of ``crops``), ``val`` and ``metric`` (or a list).
            Optional keys: ``train`` (needed for training), ``test`` (else ``val`` is used),
            ``padding`` (the sides of a box are multiplied by it; 1.25 if not given) and
            ``augmentation`` (a transform's type -> changes of it, or None to leave it out;
            ``after_box``, ``before_crop`` and ``after_crop`` -> lists of added transforms).
        crops: Kind of crop -> its ``codec``, ``affine`` and ``shift_heatmap``.
        augmentation: Transforms between box and crop, in training.
        input_hw: Height and width of the crops, in pixels.
        sigma: The sigma of the Gaussian targets, in heatmap pixels.
        data_root: The folder that contains the folders of all datasets.

    Returns:
        ``model``, ``train_dataloader``, ``val_dataloader``, ``test_dataloader``,
        ``val_evaluator`` and ``test_evaluator``, to be merged into those of the base config.
    """
    datasets = {name: entry for name, entry in datasets.items() if name != '_delete_'}
    _check(datasets, crops)
    crops = {kind: sized(crop, input_hw, sigma) for kind, crop in crops.items()}
    heads = [
        dict(
            dataset=name,
            num_keypoints=entry['num_keypoints'],
            codec=crops[entry['crop']]['codec'],
            test_cfg=dict(shift_heatmap=crops[entry['crop']]['shift_heatmap']),
        )
        for name, entry in datasets.items()
    ]
    model = dict(
        backbone=dict(input_hw=tuple(input_hw)),
        head=dict(heads=heads),
    )
    parts = [_sets(e, crops[e['crop']], augmentation, data_root) for e in datasets.values()]
    loaders = [
        dict(dataset=dict(type='MultiDataset', datasets=[part for part in of_split if part]))
        for of_split in zip(*parts, strict=True)
    ]
    metrics = [
        dict(metric, dataset=name)
        for name, entry in datasets.items()
        for metric in _several(entry['metric'])
    ]
    evaluator = dict(type='DatasetwiseEvaluator', metrics=metrics)
    # Each part is a copy: a change of one part of a config must not change another part.
    return tuple(deepcopy(part) for part in (model, *loaders, evaluator, evaluator))


def multi_dataset(
    datasets: dict[str, dict],
    crops: dict[str, dict],
    augmentation: Sequence[dict],
    **where,
) -> tuple[dict, dict, dict, dict, dict, dict]:
    """Returns the parts of a ViTPose+ config: ``multi_task`` with an expert for each dataset."""
    model, *rest = multi_task(datasets, crops, augmentation, **where)
    model['backbone']['ffn'] = dict(num_experts=len(model['head']['heads']))
    return model, *rest


def single_dataset(
    name: str,
    entry: dict,
    crops: dict[str, dict],
    augmentation: Sequence[dict],
    input_hw: tuple[int, int] = (256, 192),
    sigma: float = 2.0,
    data_root: str = 'data',
) -> tuple[dict, dict, dict, dict, dict, dict]:
    """Returns the parts of a config for a plain model of one dataset.

    It has mmpose's estimator, head and evaluator. The arguments are as in ``multi_task``.
    """
    _check({name: entry}, crops)
    crop = sized(crops[entry['crop']], input_hw, sigma)
    model = dict(
        backbone=dict(input_hw=tuple(input_hw)),
        head=dict(out_channels=entry['num_keypoints'], decoder=crop['codec']),
        test_cfg=dict(shift_heatmap=crop['shift_heatmap']),
    )
    sets = _sets(entry, crop, augmentation, data_root)
    # Replaced, not merged: the parent of a config may be of another dataset.
    loaders = [dict(dataset=dict(part or {}, _delete_=True)) for part in sets]
    metrics = [dict(metric, prefix=name) for metric in _several(entry['metric'])]
    evaluator = dict(metrics[0], _delete_=True) if len(metrics) == 1 else metrics
    return tuple(deepcopy(part) for part in (model, *loaders, evaluator, evaluator))


def _check(datasets: dict[str, dict], crops: dict[str, dict]) -> None:
    if not datasets:
        raise UserError('`datasets` is empty: name at least one entry of configs/datasets/.')
    for name, entry in datasets.items():
        missing = [field for field in REQUIRED if field not in entry]
        missing += [
            f'{split}.data_root'
            for split in ('train', 'val', 'test')
            if split in entry and 'data_root' not in entry[split]
        ]
        if missing:
            raise UserError(
                f'The entry of the dataset {name} has no {", no ".join(missing)}: add all of them.'
            )
        if entry['crop'] not in crops:
            raise UserError(
                f'The dataset {name} needs the crop {entry["crop"]!r}, but `crops` has only '
                f'{", ".join(crops)}: correct one of them.'
            )
        pipelines.check(name, entry)


def _several(metric: dict | Sequence[dict]) -> list[dict]:
    return [metric] if isinstance(metric, dict) else list(metric)


def _sets(
    entry: dict, crop: dict, augmentation: Sequence[dict], data_root: str
) -> tuple[dict, dict, dict]:
    """The dataset's training, validation and test set."""
    return (
        _train_set(entry, crop, augmentation, data_root),
        _test_set(entry, 'val', crop, data_root),
        _test_set(entry, 'test', crop, data_root),
    )


def _train_set(entry: dict, crop: dict, augmentation: Sequence[dict], data_root: str) -> dict:
    """Returns an empty dict for a dataset without ``train``; preflight then refuses training."""
    if 'train' not in entry:
        return {}
    return dict(
        placed(entry['train'], data_root), pipeline=pipelines.training(entry, crop, augmentation)
    )


def _test_set(entry: dict, split: str, crop: dict, data_root: str) -> dict:
    part = entry.get(split, entry['val'])
    return dict(placed(part, data_root), pipeline=pipelines.testing(entry, crop), test_mode=True)


def sized(crop: dict, input_hw: tuple[int, int], sigma: float) -> dict:
    """Returns the crop with its sizes. The sizes of codecs have width first."""
    h, w = input_hw
    codec = dict(
        crop['codec'], input_size=(w, h), heatmap_size=(w // STRIDE, h // STRIDE), sigma=sigma
    )
    return dict(crop, codec=codec)


def placed(part: dict, data_root: str) -> dict:
    """Returns a part of an entry with full paths: ``data_root`` is the root of all data."""
    own_root = osp.join(data_root, part['data_root'])
    files = {k: osp.join(own_root, part[k]) for k in ('bbox_file', 'headbox_file') if part.get(k)}
    return dict(part, data_root=own_root, **files)
