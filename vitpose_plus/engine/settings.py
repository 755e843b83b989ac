"""Compares a config with the arguments that the runner and its parts accept.

Faults are found before the runner builds anything: keys at the top that nothing reads, classes that
are not registered, arguments that classes do not accept, numbers out of range. The model is not
checked here: ``models.building.build_on_meta`` builds it as a check.
"""

import copy
import inspect
import logging
import os.path as osp
import re
import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import FUNCTIONS, Registry
from mmengine.runner import EpochBasedTrainLoop, FlexibleRunner, IterBasedTrainLoop, Runner
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import (
    DATA_SAMPLERS,
    DATASETS,
    EVALUATORS,
    HOOKS,
    KEYPOINT_CODECS,
    LOG_PROCESSORS,
    LOOPS,
    METRICS,
    MODEL_WRAPPERS,
    OPTIM_WRAPPER_CONSTRUCTORS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    RUNNERS,
    TRANSFORMS,
    VISBACKENDS,
    VISUALIZERS,
)
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import SGD
from torch.utils.data import DataLoader

from vitpose_plus.checkpoints.fetching import is_local
from vitpose_plus.errors import UserError, reason
from vitpose_plus.files import about
from vitpose_plus.models.arguments import nearest, not_taken, registered, wrong_arguments

# Keys that runners read besides the arguments of their constructors.
READ_BESIDES = (
    *('runner_type', 'model_wrapper_cfg', 'sync_bn', 'find_unused_parameters', 'compile'),
    *('activation_checkpointing', 'efficient_conv_bn_eval', 'custom_imports'),
)
VARIABLES = ('datasets', 'crops', 'augmentation', 'affine')  # keys of `_base_` for `experiments`
# Variables of many configs. They are similar to VARIABLES, but they are no spelling mistakes.
ALLOWED_VARIABLES = ('dataset', 'crop')
MISSPELT_RATIO = 0.82  # difflib's ratio above which a name counts as a misspelt known name
SPLITS = ('train', 'val', 'test')
MAX_SEED = 2**32 - 1
FUNCTION_KEYS = ('collate_fn', 'worker_init_fn')  # functions of a loader, given by their names
# Dicts whose keys are read one by one: no class refuses an unknown key.
KNOWN_KEYS = {
    'env_cfg': ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    'auto_scale_lr': ('enable', 'base_batch_size'),
    'model.test_cfg': (
        *('flip_test', 'flip_mode', 'shift_heatmap', 'shift_coords', 'output_heatmaps'),
        *('multiscale_test', 'max_num_people', 'align_corners'),
    ),
    'optim_wrapper.paramwise_cfg': (
        *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult'),
        *('flat_decay_mult', 'dwconv_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate'),
        *('num_layers', 'layer_decay_rate'),  # of layer-wise decay
    ),
}
# Replaces the metainfo of a dataset, which is checked separately.
ONE_KEYPOINT = dict(
    dataset_name='any',
    keypoint_info={0: dict(name='any', id=0, color=[0, 0, 0], type='', swap='')},
    skeleton_info={},
    joint_weights=[1.0],
    sigmas=[0.05],
)
MULTIPLIERS = ('lr_mult', 'decay_mult')  # keys in each entry of custom_keys


def runner_keys(cfg: Config) -> set[str]:
    """Returns the keys at the top of a config that its runner or ``experiments`` read."""
    kinds = {Runner, FlexibleRunner, RUNNERS.get(str(cfg.get('runner_type', 'Runner')))}
    arguments = (inspect.signature(kind).parameters for kind in kinds if kind)
    return {*READ_BESIDES, *VARIABLES}.union(*arguments) - {'cfg'}


def check(cfg: Config, splits: tuple[str, ...]) -> None:
    """Raises a ``UserError`` for the first certain fault.

    Args:
        cfg: The complete config.
        splits: The splits that will be used: ``train``, ``val`` or ``test``.
    """
    with about(cfg.filename or 'The config'):
        if problem := next(_problems(cfg, splits), None):
            raise UserError(problem)


def _problems(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    yield from _misspelt_top_keys(cfg)
    yield from _wrong_types(cfg)
    yield from _misspelt_keys(cfg)
    yield from _incomplete_loops(cfg, splits)
    yield from _numbers(cfg, splits)
    yield from _hooks(cfg)
    for split in splits:
        yield from _loader(cfg.get(f'{split}_dataloader') or {}, f'{split}_dataloader')
        yield from _loop(cfg, split)
        yield from _metrics(cfg.get(f'{split}_evaluator'), f'{split}_evaluator')
    if 'train' in splits:
        yield from _optimizer(cfg.get('optim_wrapper') or {})
        yield from _schedules(cfg)
    yield from _logging_and_wrapper(cfg)


def _misspelt_top_keys(cfg: Config) -> Iterator[str]:
    """Reports keys that are similar to known keys, but not those that the config's files use."""
    read = runner_keys(cfg)
    code = re.sub('#.*', '', cfg.text)
    for key in cfg:
        close = nearest(key, read, 1, MISSPELT_RATIO)
        if key in read or key in ALLOWED_VARIABLES or not close:
            continue
        if not re.search(rf'\b{re.escape(key)}\b(?!\s*=[^=])', code):  # not only assigned
            yield f'{key} is not used: correct it to {close[0]}, or give it another name.'


def _misspelt_keys(cfg: Config) -> Iterator[str]:
    for place, known in KNOWN_KEYS.items():
        part = cfg
        for word in place.split('.'):
            part = part.get(word) if isinstance(part, dict | Config) else None
        yield from _misspelt(part, known, place)
    wrapper = cfg.get('optim_wrapper') or {}
    custom = (wrapper.get('paramwise_cfg') or {}).get('custom_keys') or {}
    if not isinstance(custom, dict):
        yield f'optim_wrapper.paramwise_cfg.custom_keys is {custom!r}: give a dict.'
        return
    for name, part in custom.items():
        yield from _misspelt(part, MULTIPLIERS, f'optim_wrapper.paramwise_cfg.custom_keys.{name}')


def _misspelt(given: dict | None, known: tuple[str, ...], where: str) -> Iterator[str]:
    """Reports only keys that are similar to known ones: other classes may read other keys."""
    if given is not None and not isinstance(given, dict):
        yield f'{where} is {given!r}: give a dict.'
        return
    for key in given or ():
        close = nearest(key, known, 1, MISSPELT_RATIO)
        if key not in known and close:
            yield f'{where}.{key} is not used: correct it to {close[0]}.'


DICT_KEYS = (
    *('model', 'optim_wrapper', 'train_cfg', 'val_cfg', 'test_cfg', 'default_hooks'),
    *(f'{split}_dataloader' for split in SPLITS),
    *('env_cfg', 'randomness', 'log_processor', 'visualizer', 'auto_scale_lr'),
)


def _wrong_types(cfg: Config) -> Iterator[str]:
    for key in DICT_KEYS:
        value = cfg.get(key)
        if value is not None and not isinstance(value, dict):
            yield f'{key} is {value!r}: give a dict.'
    for key, kind in dict(load_from=str, work_dir=str, resume=bool).items():
        value = cfg.get(key)
        if value is not None and (value == '' or not isinstance(value, kind)):
            what = 'True or False, and the checkpoint as load_from' if kind is bool else 'a text'
            yield f'{key} is {value!r}: give {what}.'
    if not isinstance(logging.getLevelName(cfg.get('log_level', 'INFO')), int):
        yield f'log_level is {cfg.log_level!r}: give DEBUG, INFO, WARNING or ERROR.'
    hooks = cfg.get('custom_hooks')
    if hooks is not None and not isinstance(hooks, list | tuple):
        yield f'custom_hooks is {hooks!r}: give a list of dicts.'


def _incomplete_loops(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    """mmengine needs all three parts of a loop or none, even if the loop does not run. A missing
    loader that is used is reported by ``preflight``."""
    for split in SPLITS:
        third = 'optim_wrapper' if split == 'train' else f'{split}_evaluator'
        parts = (f'{split}_dataloader', f'{split}_cfg', third)
        missing = [part for part in parts if cfg.get(part) is None]
        if 0 < len(missing) < 3 and not (split in splits and parts[0] in missing):
            yield f'there is no {", no ".join(missing)}: give all of {", ".join(parts)}.'


def _numbers(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    least = {f'{split}_dataloader.batch_size': 1 for split in splits}
    least |= {f'{split}_dataloader.num_workers': 0 for split in splits}
    if 'train' in splits:
        epochs = dict(max_epochs=1, max_iters=1, val_interval=1, val_begin=0)
        least |= {f'train_cfg.{key}': number for key, number in epochs.items()}
        least['optim_wrapper.accumulative_counts'] = 1
        least['auto_scale_lr.base_batch_size'] = 1
    for where, lowest in least.items():
        part, key = where.split('.')
        value = (cfg.get(part) or {}).get(key, lowest)
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            yield f'{where} is {value!r}: give a whole number of at least {lowest}.'
    yield from _unknown_args(Runner.set_randomness, cfg.get('randomness'), 'randomness')
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None and (not isinstance(seed, int) or not 0 <= seed <= MAX_SEED):
        yield f'randomness.seed is {seed!r}: give a whole number from 0 to {MAX_SEED}.'


def _hooks(cfg: Config) -> Iterator[str]:
    for name, hook in (cfg.get('default_hooks') or {}).items():
        if hook is not None:
            yield from _hook(hook, f'default_hooks.{name}')
    for number, hook in enumerate(cfg.get('custom_hooks') or ()):
        yield from _hook(hook, f'custom_hooks.{number}')


def _hook(hook: dict, where: str) -> Iterator[str]:
    yield from _class(hook, where, HOOKS, ('priority',))
    if _module_of(hook, HOOKS).startswith(('mmengine.', 'vitpose_plus.')):
        yield from _building(where, lambda: HOOKS.build(_without(hook, 'priority')))


def _loader(loader: dict, where: str) -> Iterator[str]:
    yield from _unknown_args(DataLoader, loader, where, 'num_batch_per_epoch')
    if loader and 'sampler' not in loader:
        yield f"{where} has no sampler: give one, as dict(type='DefaultSampler', shuffle=True)."
    registries = dict(sampler=DATA_SAMPLERS, batch_sampler=DATA_SAMPLERS)
    for key, registry in (registries | dict.fromkeys(FUNCTION_KEYS, FUNCTIONS)).items():
        if loader.get(key) is not None:
            yield from _class(loader[key], f'{where}.{key}', registry)
    yield from _dataset(loader.get('dataset'), f'{where}.dataset')
    others = ('dataset', 'sampler', 'batch_sampler', 'num_batch_per_epoch', *FUNCTION_KEYS)
    plain = {k: v for k, v in loader.items() if k not in (*others, '_scope_')}
    yield from _building(where, lambda: DataLoader([0], **plain))


def _dataset(dataset: dict | None, where: str) -> Iterator[str]:
    """Checks the datasets inside a wrapper first, then the dataset itself."""
    if not dataset:
        return
    if isinstance(dataset, dict):
        yield from _dataset(dataset.get('dataset'), f'{where}.dataset')
        for number, part in enumerate(dataset.get('datasets') or ()):
            yield from _dataset(part, f'{where}.datasets.{number}')
        yield from _transforms(dataset.get('pipeline'), f'{where}.pipeline')
    yield from _class(dataset, where, DATASETS)
    kind = registered(dataset['type'], DATASETS, dataset.get('_scope_'))
    if kind and inspect.isclass(kind) and issubclass(kind, BaseCocoStyleDataset):
        lazy = dict(dataset, metainfo=ONE_KEYPOINT, pipeline=[], lazy_init=True)
        yield from _building(where, lambda: DATASETS.build(lazy))


def _transforms(pipeline: Sequence | None, where: str) -> Iterator[str]:
    """Checks transforms that are dicts. mmengine also accepts functions: these are not checked."""
    if pipeline is not None and not isinstance(pipeline, list | tuple):
        yield f'{where} is {pipeline!r}: give a list of dicts.'
        return
    for number, transform in enumerate(pipeline or ()):
        place = f'{where}.{number}'
        yield from _class(transform, place, TRANSFORMS)
        if not isinstance(transform, dict):
            continue
        if isinstance(transform.get('encoder'), dict):
            yield from _class(transform['encoder'], f'{place}.encoder', KEYPOINT_CODECS)
        yield from _building(place, lambda part=transform: TRANSFORMS.build(copy.deepcopy(part)))


def _loop(cfg: Config, split: str) -> Iterator[str]:
    loop, where = cfg.get(f'{split}_cfg'), f'{split}_cfg'
    if loop is None:
        return
    if {'type', 'by_epoch'} <= set(loop):
        yield f'{where} has type and by_epoch, but mmengine accepts only one: remove by_epoch.'
    by_epoch = EpochBasedTrainLoop if loop.get('by_epoch', True) else IterBasedTrainLoop
    default = dict(train=by_epoch.__name__, val='ValLoop', test='TestLoop')[split]
    yield from wrong_arguments(loop, where, LOOPS, ('by_epoch',), default)


def _metrics(
    evaluator: dict | Sequence | None, where: str, more: tuple[str, ...] = ()
) -> Iterator[str]:
    if isinstance(evaluator, list | tuple):
        for number, metric in enumerate(evaluator):
            yield from _metric(metric, f'{where}.{number}', more)
    elif isinstance(evaluator, dict) and 'metrics' in evaluator:
        yield from wrong_arguments(evaluator, where, EVALUATORS, default='Evaluator')
        yield from _metrics(evaluator['metrics'], f'{where}.metrics', ('dataset',))
    elif evaluator:
        yield from _metric(evaluator, where, more)


def _metric(metric, where: str, more: tuple[str, ...]) -> Iterator[str]:
    """Builds the metric without its annotation file, which takes long to read."""
    yield from _class(metric, where, METRICS, more)
    if not _module_of(metric, METRICS).startswith('mmpose.'):
        return
    yield from _building(where, lambda: METRICS.build(_without(metric, 'ann_file', *more)))
    path = metric.get('ann_file')
    if is_local(path) and not osp.exists(path):
        yield f'{where}.ann_file is {path}, which does not exist: correct the path.'


def _without(given: dict, *keys: str) -> dict:
    return {key: value for key, value in given.items() if key not in keys}


def _optimizer(wrapper: dict) -> Iterator[str]:
    """Checks a wrapper of one optimiser. Wrappers of several are checked by their constructor."""
    if 'constructor' in wrapper:
        constructor = dict(type=wrapper['constructor'])
        yield from _class(constructor, 'optim_wrapper.constructor', OPTIM_WRAPPER_CONSTRUCTORS)
    if 'optimizer' not in wrapper:
        return
    yield from wrong_arguments(
        wrapper, 'optim_wrapper', OPTIM_WRAPPERS, ('constructor', 'paramwise_cfg'), 'OptimWrapper'
    )
    optimizer, where = wrapper['optimizer'], 'optim_wrapper.optimizer'
    yield from _class(optimizer, where, OPTIMIZERS)
    if _module_of(optimizer, OPTIMIZERS).startswith('torch.optim.'):
        yield from _building(where, lambda: OPTIMIZERS.build(dict(optimizer, params=_weights())))
    clip = wrapper.get('clip_grad') or {}
    if not isinstance(clip, dict):
        yield f'optim_wrapper.clip_grad is {clip!r}: give a dict, as dict(max_norm=1.0).'
        return
    clip = dict(clip)
    by_value = clip.pop('type', 'norm') == 'value'
    yield from _unknown_args(
        clip_grad_value_ if by_value else clip_grad_norm_, clip, 'optim_wrapper.clip_grad'
    )


def _schedules(cfg: Config) -> Iterator[str]:
    """Checks a list of schedules, or a single schedule."""
    runner_key = 'convert_to_iter_based'  # the runner removes it before it builds the schedule
    given = cfg.get('param_scheduler') or ()
    places = {'param_scheduler': given}
    if isinstance(given, list | tuple):
        places = {f'param_scheduler.{number}': part for number, part in enumerate(given)}
    for place, part in places.items():
        yield from _class(part, place, PARAM_SCHEDULERS, (runner_key,))
        if _module_of(part, PARAM_SCHEDULERS).startswith('mmengine.'):
            optimizer = SGD(_weights(), lr=0.1, momentum=0.9)
            own = dict(_without(part, runner_key), optimizer=optimizer)
            yield from _building(place, lambda own=own: PARAM_SCHEDULERS.build(own))


def _weights() -> list[nn.Parameter]:
    """Returns one parameter, with which an optimiser can be built."""
    return [nn.Parameter(torch.zeros(1))]


def _module_of(value, registry: Registry) -> str:
    """The module of a class. Only classes of known libraries are built as a check."""
    if not isinstance(value, dict) or 'type' not in value:
        return ''
    return getattr(registered(value['type'], registry, value.get('_scope_')), '__module__', '')


def _building(where: str, build: Callable) -> Iterator[str]:
    """Reports the error that a constructor raises for its values."""
    try:
        with warnings.catch_warnings(action='ignore'):
            build()
    except Exception as error:
        yield f'{where} cannot be built ({reason(error)}): correct its values.'


def _unknown_args(function: Callable, given: dict | None, where: str, *more: str) -> Iterator[str]:
    """Reports arguments that a function does not accept; the function is not in a registry."""
    known = [*(name for name in inspect.signature(function).parameters if name != 'self'), *more]
    for key in given or ():
        if key not in (*known, '_scope_'):
            yield not_taken(f'{where}.{key}', function.__name__, known)


def _logging_and_wrapper(cfg: Config) -> Iterator[str]:
    if cfg.get('visualizer'):
        yield from _class(cfg.visualizer, 'visualizer', VISUALIZERS)
        backends, where = cfg.visualizer.get('vis_backends') or (), 'visualizer.vis_backends'
        if not isinstance(backends, list | tuple):
            yield f'{where} is {backends!r}: give a list of dicts.'
            return
        for number, backend in enumerate(backends):
            yield from _class(backend, f'{where}.{number}', VISBACKENDS)
    if cfg.get('log_processor'):
        processor = dict(dict(type='LogProcessor'), **cfg.log_processor)
        yield from _class(processor, 'log_processor', LOG_PROCESSORS)
        yield from _building('log_processor', lambda: LOG_PROCESSORS.build(processor))
    if cfg.get('model_wrapper_cfg'):
        yield from _class(cfg.model_wrapper_cfg, 'model_wrapper_cfg', MODEL_WRAPPERS)


def _class(value, where: str, registry: Registry, more: tuple[str, ...] = ()) -> Iterator[str]:
    """Reports a wrong class or argument. Objects that the config has created are not checked."""
    if isinstance(value, dict):
        yield from wrong_arguments(value, where, registry, more)
    elif isinstance(value, str | int | float):
        yield f'{where} is {value!r}: give a dict of its type and arguments.'
