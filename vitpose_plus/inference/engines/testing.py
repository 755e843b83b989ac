"""``test CONFIG FILE``: puts an exported file in the place of a config's model."""

from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.datasets.transforms import TopdownAffine

from vitpose_plus.datasets.multi_dataset import test_datasets_of
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.datasets.transforms import StretchedTopdownAffine
from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.description import DatasetPart, Description, always_averaged
from vitpose_plus.inference.engines.network import network_config
from vitpose_plus.inference.engines.opening import description_of, device_of
from vitpose_plus.inference.facts import crop_of


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
    init_default_scope('mmpose')
    described = description_of(path)
    where = cfg.filename or 'The config'
    if 'strategy' in cfg or cfg.get('launcher', 'none') != 'none':
        raise UserError(
            f'{path} is an exported file, which runs in one process: leave out --launcher, and use '
            'a config without `strategy`.'
        )
    settings = dict(cfg.model.get('test_cfg') or {})
    own = {
        each['dataset']: dict(each.get('test_cfg') or {})
        for each in cfg.model.get('head', {}).get('heads', [])
    }
    notes = _check_flip_test(where, path, described, settings, own)
    if described.flip_test:
        for each in (settings, *own.values()):
            each['flip_test'] = False  # the file does it
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
    where: str, path: str | Path, described: Description, settings: dict, own: dict[str, dict]
) -> list[str]:
    is_wanted = settings.get('flip_test', False)
    by_all = all({**settings, **each}.get('flip_test', False) for each in own.values() or [{}])
    if is_wanted and not described.allows_flip_test:
        raise UserError(
            f'{where} tests with flip_test=True, but {path} was exported without --flip-test: '
            'export the model with --flip-test, or add --cfg-options '
            'model.test_cfg.flip_test=False.'
        )
    if described.flip_test and not by_all:
        return [always_averaged(path)]
    return []


def _check_datasets(where: str, path: str | Path, described: Description, cfg: Config) -> None:
    """Raises a ``UserError`` unless the file predicts every dataset of the test.

    A dataset with another name is accepted if its keypoints have the same names.
    """
    own = {part.skeleton.dataset: part for part in described.datasets}
    only = None if described.has_experts else described.datasets[0]
    for name, (metainfo, pipeline) in test_datasets_of(cfg):
        part = own.get(name, only)
        skeleton = Skeleton.of(metainfo)
        if part is None or skeleton.names != part.skeleton.names:
            raise UserError(
                f'{where} tests {name} with {len(skeleton.names)} keypoints, but {path} has the '
                f'keypoints of {", ".join(own)}: use the config of one of these datasets, which '
                'vitpose split writes, or export all datasets.'
            )
        _check_crops(where, path, name, Compose(pipeline), part)


def _check_crops(
    where: str, path: str | Path, name: str, pipeline: Compose, part: DatasetPart
) -> None:
    """Raises a ``UserError`` unless the pipeline makes the crops that the file needs."""
    crops = [step for step in pipeline.transforms if isinstance(step, TopdownAffine)]
    if not crops:
        raise UserError(
            f'{where} makes no crops (TopdownAffine), but {path} is a top-down model: use the '
            'config of the exported model.'
        )
    size, padding = crop_of(pipeline)
    pairs = dict(
        input_size=(size, tuple(part.skeleton.input_wh)),
        padding=(padding, part.skeleton.padding),
        use_udp=(bool(crops[-1].use_udp), part.use_udp),
        stretched=(isinstance(crops[-1], StretchedTopdownAffine), part.is_stretched),
    )
    for key, (found, needed) in pairs.items():
        if found != needed:
            raise UserError(
                f'{where} makes the crops of {name} with {key}={found}, but {path} needs {needed}: '
                'use the config of the exported model.'
            )
