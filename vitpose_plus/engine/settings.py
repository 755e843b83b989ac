"""What a config says of a run, compared with what the runner and its parts take.

What is wrong is found before anything is built: names at the top that nothing reads, classes that
are not registered, arguments that they do not take, numbers out of range. The model is not looked
at, as it is built itself (``models.building.build_on_meta``).
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

# Read by runners besides the arguments of their constructors.
READ = (
    *('runner_type', 'model_wrapper_cfg', 'sync_bn', 'find_unused_parameters', 'compile'),
    *('activation_checkpointing', 'efficient_conv_bn_eval', 'custom_imports'),
)
VARIABLES = ('datasets', 'crops', 'augmentation', 'affine')  # what experiments read of `_base_`
# Variables of many configs that are spelt like those, one of several.
ONE_OF_THEM = ('dataset', 'crop')
MISSPELT = 0.82  # difflib's ratio above which a name is taken for another
SETS = ('train', 'val', 'test')
MOST = 2**32 - 1  # of a seed
CALLED = ('collate_fn', 'worker_init_fn')  # of a loader, by their names
# Dicts of which single keys are read by name: no class refuses another.
READ_BY_NAME = {
    'env_cfg': ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    'auto_scale_lr': ('enable', 'base_batch_size'),
    'model.test_cfg': (
        *('flip_test', 'flip_mode', 'shift_heatmap', 'shift_coords', 'output_heatmaps'),
        *('multiscale_test', 'max_num_people', 'align_corners'),
    ),
    'optim_wrapper.paramwise_cfg': (
        *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult'),
        *('flat_decay_mult', 'dwconv_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate'),
        *('num_layers', 'layer_decay_rate'),  # by layers
    ),
}
# In place of a dataset's metainfo, which is looked at by itself.
ONE_KEYPOINT = dict(
    dataset_name='any',
    keypoint_info={0: dict(name='any', id=0, color=[0, 0, 0], type='', swap='')},
    skeleton_info={},
    joint_weights=[1.0],
    sigmas=[0.05],
)
MULTIPLES = ('lr_mult', 'decay_mult')  # of each of the custom_keys


def runner_keys(cfg: Config) -> set[str]:
    """The names at a config's top that its runner reads."""
    kinds = {Runner, FlexibleRunner, RUNNERS.get(str(cfg.get('runner_type', 'Runner')))}
    arguments = (inspect.signature(kind).parameters for kind in kinds if kind)
    return {*READ, *VARIABLES}.union(*arguments) - {'cfg'}


def check(cfg: Config, splits: tuple[str, ...]) -> None:
    """Raises a ``UserError`` for what is certainly wrong.

    Args:
        cfg: The whole config.
        splits: Which loaders will be used, of ``train``, ``val`` and ``test``.
    """
    with about(cfg.filename or 'The config'):
        if problem := next(_problems(cfg, splits), None):
            raise UserError(problem)


def _problems(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    yield from _misspelt_names(cfg)
    yield from _odd_kinds(cfg)
    yield from _misspelt_keys(cfg)
    yield from _incomplete(cfg, splits)
    yield from _numbers(cfg, splits)
    yield from _hooks(cfg)
    for split in splits:
        yield from _loader(cfg.get(f'{split}_dataloader') or {}, f'{split}_dataloader')
        yield from _loop(cfg, split)
        yield from _metrics(cfg.get(f'{split}_evaluator'), f'{split}_evaluator')
    if 'train' in splits:
        yield from _optimizer(cfg.get('optim_wrapper') or {})
        yield from _schedules(cfg)
    yield from _rest(cfg)


def _misspelt_names(cfg: Config) -> Iterator[str]:
    """Other names are variables of the config's own; so are those that its files use."""
    read = runner_keys(cfg)
    for key in cfg:
        close = nearest(key, read, 1, MISSPELT)
        if key in read or key in ONE_OF_THEM or not close:
            continue
        if not re.search(rf'\b{re.escape(key)}\b(?!\s*=[^=])', cfg.text):  # not only assigned
            yield f'{key} is read by nothing: correct it to {close[0]}, or give it another name.'


def _misspelt_keys(cfg: Config) -> Iterator[str]:
    for place, known in READ_BY_NAME.items():
        part = cfg
        for word in place.split('.'):
            part = part.get(word) if isinstance(part, dict | Config) else None
        yield from _near(part, known, place)
    wrapper = cfg.get('optim_wrapper') or {}
    custom = (wrapper.get('paramwise_cfg') or {}).get('custom_keys') or {}
    if not isinstance(custom, dict):
        yield f'optim_wrapper.paramwise_cfg.custom_keys is {custom!r}: give a dict.'
        return
    for name, part in custom.items():
        yield from _near(part, MULTIPLES, f'optim_wrapper.paramwise_cfg.custom_keys.{name}')


def _near(given: dict | None, known: tuple[str, ...], where: str) -> Iterator[str]:
    """Keys that are spelt like known ones; others may be read by other classes."""
    if given is not None and not isinstance(given, dict):
        yield f'{where} is {given!r}: give a dict.'
        return
    for key in given or ():
        close = nearest(key, known, 1, MISSPELT)
        if key not in known and close:
            yield f'{where}.{key} is read by nothing: correct it to {close[0]}.'


DICTS = (
    *('model', 'optim_wrapper', 'train_cfg', 'val_cfg', 'test_cfg', 'default_hooks'),
    *(f'{split}_dataloader' for split in SETS),
    *('env_cfg', 'randomness', 'log_processor', 'visualizer', 'auto_scale_lr'),
)


def _odd_kinds(cfg: Config) -> Iterator[str]:
    for key in DICTS:
        value = cfg.get(key)
        if value is not None and not isinstance(value, dict):
            yield f'{key} is {value!r}: give a dict.'
    for key, kind in dict(load_from=str, work_dir=str, resume=bool).items():
        value = cfg.get(key)
        if value is not None and (value == '' or not isinstance(value, kind)):
            what = 'True or False, and the checkpoint by load_from' if kind is bool else 'a text'
            yield f'{key} is {value!r}: give {what}.'
    if not isinstance(logging.getLevelName(cfg.get('log_level', 'INFO')), int):
        yield f'log_level is {cfg.log_level!r}: give DEBUG, INFO, WARNING or ERROR.'
    hooks = cfg.get('custom_hooks')
    if hooks is not None and not isinstance(hooks, list | tuple):
        yield f'custom_hooks is {hooks!r}: give a list of dicts.'


def _incomplete(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    """Of the three parts of a loop, mmengine wants all or none, whatever is run; preflight says
    what a loader lacks that is used."""
    for split in SETS:
        third = 'optim_wrapper' if split == 'train' else f'{split}_evaluator'
        parts = (f'{split}_dataloader', f'{split}_cfg', third)
        lacking = [part for part in parts if cfg.get(part) is None]
        if 0 < len(lacking) < 3 and not (split in splits and parts[0] in lacking):
            yield f'there is no {", no ".join(lacking)}: give all of {", ".join(parts)}.'


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
            yield f'{where} is {value!r}: give a whole number from {lowest} on.'
    yield from _given_to(Runner.set_randomness, cfg.get('randomness'), 'randomness')
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None and (not isinstance(seed, int) or not 0 <= seed <= MOST):
        yield f'randomness.seed is {seed!r}: give a whole number from 0 to {MOST}.'


def _hooks(cfg: Config) -> Iterator[str]:
    for name, hook in (cfg.get('default_hooks') or {}).items():
        if hook is not None:
            yield from _hook(hook, f'default_hooks.{name}')
    for number, hook in enumerate(cfg.get('custom_hooks') or ()):
        yield from _hook(hook, f'custom_hooks.{number}')


def _hook(hook: dict, where: str) -> Iterator[str]:
    yield from _built(hook, where, HOOKS, ('priority',))
    if _module(hook, HOOKS).startswith(('mmengine.', 'vitpose_plus.')):
        yield from _failing(where, lambda: HOOKS.build(_without(hook, 'priority')))


def _loader(loader: dict, where: str) -> Iterator[str]:
    yield from _given_to(DataLoader, loader, where, 'num_batch_per_epoch')
    if loader and 'sampler' not in loader:
        yield f"{where} has no sampler: give one, as dict(type='DefaultSampler', shuffle=True)."
    registries = dict(sampler=DATA_SAMPLERS, batch_sampler=DATA_SAMPLERS)
    for key, registry in (registries | dict.fromkeys(CALLED, FUNCTIONS)).items():
        if loader.get(key) is not None:
            yield from _built(loader[key], f'{where}.{key}', registry)
    yield from _dataset(loader.get('dataset'), f'{where}.dataset')
    others = ('dataset', 'sampler', 'batch_sampler', 'num_batch_per_epoch', *CALLED)
    plain = {k: v for k, v in loader.items() if k not in (*others, '_scope_')}
    yield from _failing(where, lambda: DataLoader([0], **plain))


def _dataset(dataset: dict | None, where: str) -> Iterator[str]:
    """Those of a wrapper, then itself."""
    if not dataset:
        return
    if isinstance(dataset, dict):
        yield from _dataset(dataset.get('dataset'), f'{where}.dataset')
        for number, part in enumerate(dataset.get('datasets') or ()):
            yield from _dataset(part, f'{where}.datasets.{number}')
        yield from _transforms(dataset.get('pipeline'), f'{where}.pipeline')
    yield from _built(dataset, where, DATASETS)
    kind = registered(dataset['type'], DATASETS, dataset.get('_scope_'))
    if kind and inspect.isclass(kind) and issubclass(kind, BaseCocoStyleDataset):
        lazy = dict(dataset, metainfo=ONE_KEYPOINT, pipeline=[], lazy_init=True)
        yield from _failing(where, lambda: DATASETS.build(lazy))


def _transforms(pipeline: Sequence | None, where: str) -> Iterator[str]:
    """Functions, which mmengine takes as they are, are left."""
    if pipeline is not None and not isinstance(pipeline, list | tuple):
        yield f'{where} is {pipeline!r}: give a list of dicts.'
        return
    for number, transform in enumerate(pipeline or ()):
        place = f'{where}.{number}'
        yield from _built(transform, place, TRANSFORMS)
        if not isinstance(transform, dict):
            continue
        if isinstance(transform.get('encoder'), dict):
            yield from _built(transform['encoder'], f'{place}.encoder', KEYPOINT_CODECS)
        yield from _failing(place, lambda part=transform: TRANSFORMS.build(copy.deepcopy(part)))


def _loop(cfg: Config, split: str) -> Iterator[str]:
    loop, where = cfg.get(f'{split}_cfg'), f'{split}_cfg'
    if loop is None:
        return
    if {'type', 'by_epoch'} <= set(loop):
        yield f'{where} has type and by_epoch, of which mmengine takes one: take by_epoch out.'
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
    """Built without its annotations, which take long to read."""
    yield from _built(metric, where, METRICS, more)
    if not _module(metric, METRICS).startswith('mmpose.'):
        return
    yield from _failing(where, lambda: METRICS.build(_without(metric, 'ann_file', *more)))
    path = metric.get('ann_file')
    if is_local(path) and not osp.exists(path):
        yield f'{where}.ann_file is {path}, which does not exist: correct the path.'


def _without(given: dict, *keys: str) -> dict:
    return {key: value for key, value in given.items() if key not in keys}


def _optimizer(wrapper: dict) -> Iterator[str]:
    """Of one optimiser; several, by their names, are left to their constructor."""
    if 'constructor' in wrapper:
        constructor = dict(type=wrapper['constructor'])
        yield from _built(constructor, 'optim_wrapper.constructor', OPTIM_WRAPPER_CONSTRUCTORS)
    if 'optimizer' not in wrapper:
        return
    yield from wrong_arguments(
        wrapper, 'optim_wrapper', OPTIM_WRAPPERS, ('constructor', 'paramwise_cfg'), 'OptimWrapper'
    )
    optimizer, where = wrapper['optimizer'], 'optim_wrapper.optimizer'
    yield from _built(optimizer, where, OPTIMIZERS)
    if _module(optimizer, OPTIMIZERS).startswith('torch.optim.'):
        yield from _failing(where, lambda: OPTIMIZERS.build(dict(optimizer, params=_one())))
    clip = wrapper.get('clip_grad') or {}
    if not isinstance(clip, dict):
        yield f'optim_wrapper.clip_grad is {clip!r}: give a dict, as dict(max_norm=1.0).'
        return
    clip = dict(clip)
    by_value = clip.pop('type', 'norm') == 'value'
    yield from _given_to(
        clip_grad_value_ if by_value else clip_grad_norm_, clip, 'optim_wrapper.clip_grad'
    )


def _schedules(cfg: Config) -> Iterator[str]:
    """Of a list; one alone may stand without it."""
    later = 'convert_to_iter_based'  # which the runner takes out
    given = cfg.get('param_scheduler') or ()
    places = {'param_scheduler': given}
    if isinstance(given, list | tuple):
        places = {f'param_scheduler.{number}': part for number, part in enumerate(given)}
    for place, part in places.items():
        yield from _built(part, place, PARAM_SCHEDULERS, (later,))
        if _module(part, PARAM_SCHEDULERS).startswith('mmengine.'):
            optimizer = SGD(_one(), lr=0.1, momentum=0.9)
            own = dict(_without(part, later), optimizer=optimizer)
            yield from _failing(place, lambda own=own: PARAM_SCHEDULERS.build(own))


def _one() -> list[nn.Parameter]:
    """The parameters of the smallest model."""
    return [nn.Parameter(torch.zeros(1))]


def _module(value, registry: Registry) -> str:
    """Where a class comes from: only those of torch and mmengine are known to be built alone."""
    if not isinstance(value, dict) or 'type' not in value:
        return ''
    return getattr(registered(value['type'], registry, value.get('_scope_')), '__module__', '')


def _failing(where: str, build: Callable) -> Iterator[str]:
    """What a constructor raises for the values that it is given."""
    try:
        with warnings.catch_warnings(action='ignore'):
            build()
    except Exception as error:
        yield f'{where} cannot be built ({reason(error)}): correct what it gives.'


def _given_to(function: Callable, given: dict | None, where: str, *more: str) -> Iterator[str]:
    """Arguments that a function, which no registry knows, does not take."""
    taken = [*(name for name in inspect.signature(function).parameters if name != 'self'), *more]
    for key in given or ():
        if key not in (*taken, '_scope_'):
            yield not_taken(f'{where}.{key}', function.__name__, taken)


def _rest(cfg: Config) -> Iterator[str]:
    if cfg.get('visualizer'):
        yield from _built(cfg.visualizer, 'visualizer', VISUALIZERS)
        backends, where = cfg.visualizer.get('vis_backends') or (), 'visualizer.vis_backends'
        if not isinstance(backends, list | tuple):
            yield f'{where} is {backends!r}: give a list of dicts.'
            return
        for number, backend in enumerate(backends):
            yield from _built(backend, f'{where}.{number}', VISBACKENDS)
    if cfg.get('log_processor'):
        processor = dict(dict(type='LogProcessor'), **cfg.log_processor)
        yield from _built(processor, 'log_processor', LOG_PROCESSORS)
        yield from _failing('log_processor', lambda: LOG_PROCESSORS.build(processor))
    if cfg.get('model_wrapper_cfg'):
        yield from _built(cfg.model_wrapper_cfg, 'model_wrapper_cfg', MODEL_WRAPPERS)


def _built(value, where: str, registry: Registry, more: tuple[str, ...] = ()) -> Iterator[str]:
    """What is wrong with a class and its arguments; an object that a config has made is left."""
    if isinstance(value, dict):
        yield from wrong_arguments(value, where, registry, more)
    elif isinstance(value, str | int | float):
        yield f'{where} is {value!r}: give a dict of its type and arguments.'
