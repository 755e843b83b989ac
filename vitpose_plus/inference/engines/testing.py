"""``test CONFIG FILE``: puts an exported file in the place of a config's model."""

from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS

from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.description import HEATMAPS, Description
from vitpose_plus.inference.engines.network import network_config
from vitpose_plus.inference.engines.opening import description_of, device_of


def use_file(cfg: Config, path: str | Path) -> list[str]:
    """Replaces the model of a config by an exported file.

    Args:
        cfg: The complete config of a top-down model; its model is changed.
        path: The file.

    Returns:
        Notes for the log.

    Raises:
        UserError: The file does not fit the config.
    """
    described = description_of(path)
    where = cfg.filename or 'The config'
    if 'strategy' in cfg or cfg.get('launcher', 'none') != 'none':
        raise UserError(
            f'{path} is an exported file, which runs in one process: leave out --launcher, and use '
            'a config without `strategy`.'
        )
    settings = dict(cfg.model.get('test_cfg') or {})
    notes = _check_flip_test(where, path, described, settings)
    own = {
        each['dataset']: each.get('test_cfg', {})
        for each in cfg.model.get('head', {}).get('heads', [])
    }
    if described.flip_test:
        settings['flip_test'] = False  # the file does it
    model = network_config(path, described, device_of(path, 'auto'), settings, own)
    if described.has_experts and set(own) != set(described.names):
        raise UserError(
            f'{path} is a model of the datasets {", ".join(described.names)}, but {where} has '
            f'{", ".join(own) or "a model of one dataset"}: use the config of the exported model.'
        )
    _check_datasets(where, path, described, cfg)
    cfg.model, cfg.load_from = model, None
    return notes


def _check_flip_test(
    where: str, path: str | Path, described: Description, settings: dict
) -> list[str]:
    is_wanted = settings.get('flip_test', False)
    if is_wanted and not described.flip_test and described.outputs != HEATMAPS:
        raise UserError(
            f'{where} tests with flip_test=True, but {path} was exported without --flip-test: '
            'export the model with --flip-test, or add --cfg-options '
            'model.test_cfg.flip_test=False.'
        )
    if described.flip_test and not is_wanted:
        return [
            f'{path} was exported with --flip-test, so its predictions are always averaged with '
            'those of the mirrored crops.'
        ]
    return []


def _check_datasets(where: str, path: str | Path, described: Description, cfg: Config) -> None:
    """Raises a ``UserError`` unless the file predicts every dataset of the test."""
    own = {part.skeleton.dataset: part.skeleton for part in described.datasets}
    only = described.datasets[0].skeleton if not described.has_experts else None
    for dataset in _test_datasets(cfg):
        name, count = (dataset.metainfo[key] for key in ('dataset_name', 'num_keypoints'))
        skeleton = own.get(name, only)
        if skeleton is None or len(skeleton.names) != count:
            raise UserError(
                f'{where} tests the dataset {name} with {count} keypoints, but {path} has '
                f'{", ".join(f"{each} ({len(own[each].names)})" for each in own)}: use the config '
                'of one of these datasets.'
            )
    sizes = list(_crop_sizes(cfg))
    if not sizes:
        raise UserError(
            f'{where} makes no crops (TopdownAffine), but {path} is a top-down model: use the '
            'config of the exported model.'
        )
    for width, height in sizes:
        if (height, width) != tuple(described.input_hw):
            h, w = described.input_hw
            raise UserError(
                f'{where} makes crops of {height}x{width}, but {path} is for {h}x{w}: use the '
                'config of the exported model.'
            )


def _test_datasets(cfg: Config) -> list[BaseDataset]:
    loader = cfg.get('test_dataloader') or {}
    return [unread(part) for part in plain_datasets(loader.get('dataset') or {})]


def _crop_sizes(cfg: Config) -> Iterator[tuple[int, int]]:
    """Width and height of the crops of each dataset."""
    loaded = cfg.test_dataloader.dataset
    for part in (loaded, *plain_datasets(loaded)):
        for step in part.get('pipeline', []):
            kind = TRANSFORMS.get(step['type']) if isinstance(step['type'], str) else step['type']
            if isinstance(kind, type) and issubclass(kind, TopdownAffine):
                yield tuple(step['input_size'])
