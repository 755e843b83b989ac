"""Mirrored pictures: sides that are not swapped, and tests that training did not prepare.

Pictures are mirrored at two places of a config: in training by ``RandomFlip``, and in testing by
``model.test_cfg.flip_test``, which the head of a dataset may replace.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpose.datasets.transforms import RandomFlip
from mmpose.registry import TRANSFORMS

from vitpose_plus.datasets.labels.guessing import swap_partners
from vitpose_plus.datasets.multi_dataset import plain_datasets
from vitpose_plus.errors import UserError
from vitpose_plus.models.building import test_settings

LISTED = 3  # so many pairs are named


def check_flip_test(cfg: Config) -> None:
    """Raises a ``UserError`` if a head needs mirrored crops that the model does not make."""
    heads = (cfg.model.get('head') or {}).get('heads', [])
    if test_settings(cfg.model, {}).get('flip_test'):
        return
    if wanting := [head['dataset'] for head in heads if test_settings({}, head).get('flip_test')]:
        raise UserError(
            f'The head of {wanting[0]} has test_cfg.flip_test=True, but the model has no mirrored '
            'crops: set model.test_cfg.flip_test=True, and flip_test=False in the test_cfg of the '
            'other heads.'
        )


def flip_notes(cfg: Config, datasets: Sequence[BaseDataset]) -> Iterator[str]:
    """Yields a sentence for each probable mistake with mirrored pictures.

    Args:
        cfg: The complete config of a training.
        datasets: The plain datasets of its training loader, in order; they need no annotations.
    """
    if 'head' not in cfg.model:
        return
    whole = cfg.train_dataloader.dataset
    heads = {head['dataset']: head for head in cfg.model.head.get('heads', [])}
    own = 'flip_test=False in its test_cfg in model.head.heads'
    without = own if heads else 'model.test_cfg.flip_test=False'
    for part, dataset in zip(plain_datasets(whole), datasets, strict=True):
        name = dataset.metainfo['dataset_name']
        flip_test = bool(test_settings(cfg.model, heads.get(name, {})).get('flip_test'))
        random_flip = _mirrors(part.get('pipeline')) or _mirrors(whole.get('pipeline'))
        places = {'RandomFlip': random_flip, 'flip_test': flip_test}
        used = ' and '.join(place for place, is_used in places.items() if is_used)
        if used and (pairs := _unswapped(dataset.metainfo)):
            yield (
                f'The dataset {name} mirrors pictures ({used}), but its metainfo does not swap '
                f'{_listed(pairs)}: give each the other as `swap`, or train without RandomFlip and '
                f'with {without}.'
            )
        if flip_test and not random_flip:
            yield (
                f'The dataset {name} is trained without RandomFlip, but tested with mirrored '
                f'pictures, too: set {without}, or train with RandomFlip.'
            )


def _mirrors(pipeline: object) -> bool:
    """Whether a pipeline, or a transform in one of its transforms, mirrors some pictures."""
    if isinstance(pipeline, list | tuple):
        return any(map(_mirrors, pipeline))
    if not isinstance(pipeline, dict):
        return False
    kind = pipeline.get('type')
    kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and issubclass(kind, RandomFlip):
        return bool(np.sum(pipeline.get('prob', 0.5)) > 0)
    return _mirrors(pipeline.get('transforms'))


def _unswapped(metainfo: dict) -> list[tuple[str, str]]:
    """Pairs of a left and a right keypoint, by their names, that are both without a partner."""
    names = [metainfo['keypoint_id2name'][number] for number in range(metainfo['num_keypoints'])]
    rows = {name: row for row, name in enumerate(names)}
    alone = {name for name in names if metainfo['flip_indices'][rows[name]] == rows[name]}
    pairs = swap_partners(names).items()
    return [(a, b) for a, b in pairs if {a, b} <= alone and rows[a] < rows[b]]


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    texts = [f'{one} with {other}' for one, other in pairs[:LISTED]]
    more = [f'{len(pairs) - LISTED} more pairs'] if len(pairs) > LISTED else []
    return ', '.join(texts + more)
