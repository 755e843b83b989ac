"""What a config says of a run, compared with what the runner and its parts take.

What is wrong is found before anything is built: names at the top that nothing reads, classes that
are not registered, arguments that they do not take, numbers out of range. The model is not looked
at, as it is built itself (``models.building.build_on_meta``).
"""

import copy
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, FlexibleRunner, IterBasedTrainLoop, Runner
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

from vitpose_plus.errors import UserError
from vitpose_plus.files import about
from vitpose_plus.models.arguments import nearest, not_taken, registered, wrong_arguments

# Read by runners besides the arguments of their constructors.
READ = (
    *('runner_type', 'model_wrapper_cfg', 'sync_bn', 'find_unused_parameters', 'compile'),
    *('activation_checkpointing', 'efficient_conv_bn_eval', 'custom_imports', 'env_cfg'),
)
VARIABLES = ('datasets', 'crops', 'augmentation', 'affine')  # what experiments read of `_base_`
# Variables of many configs that are spelt like those, one of several.
ONE_OF_THEM = ('dataset', 'crop')
MISSPELT = 0.82  # difflib's ratio above which a name is taken for another
SETS = ('train', 'val', 'test')
MOST = 2**32 - 1  # of a seed
CALLED = ('collate_fn', 'worker_init_fn')  # of a loader, by their names
PARAMWISE = (
    *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult'),
    *('dwconv_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate'),
    *('num_layers', 'layer_decay_rate'),  # by layers
)


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
        for problem in _problems(cfg, splits):
            raise UserError(problem)


def _problems(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    yield from _misspelt_names(cfg)
    yield from _odd_kinds(cfg)
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
    """Other names are variables of the config's own."""
    read = runner_keys(cfg)
    for key in cfg:
        close = nearest(key, read, 1, MISSPELT)
        if key not in read and key not in ONE_OF_THEM and close:
            yield f'{key} is read by nothing: correct it to {close[0]}, or give it another name.'


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
        if value is not None and not isinstance(value, kind):
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
        own = {key: value for key, value in hook.items() if key != 'priority'}
        yield from _failing(where, lambda: HOOKS.build(own))


def _loader(loader: dict, where: str) -> Iterator[str]:
    yield from _given_to(DataLoader, loader, where, 'num_batch_per_epoch')
    for key in ('sampler', 'batch_sampler'):
        if loader.get(key) is not None:
            yield from _built(loader[key], f'{where}.{key}', DATA_SAMPLERS)
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


def _transforms(pipeline: Sequence | None, where: str) -> Iterator[str]:
    for number, transform in enumerate(pipeline or ()):
        place = f'{where}.{number}'
        yield from _built(transform, place, TRANSFORMS)
        codecs = transform.get('encoder') if isinstance(transform, dict) else None
        if isinstance(codecs, dict):
            yield from _built(codecs, f'{place}.encoder', KEYPOINT_CODECS)
        yield from _failing(place, lambda part=transform: TRANSFORMS.build(copy.deepcopy(part)))


def _loop(cfg: Config, split: str) -> Iterator[str]:
    loop, where = cfg.get(f'{split}_cfg'), f'{split}_cfg'
    if loop is None:
        return
    by_epoch = EpochBasedTrainLoop if loop.get('by_epoch', True) else IterBasedTrainLoop
    default = dict(train=by_epoch.__name__, val='ValLoop', test='TestLoop')[split]
    yield from wrong_arguments(loop, where, LOOPS, ('by_epoch',), default)


def _metrics(
    evaluator: dict | Sequence | None, where: str, more: tuple[str, ...] = ()
) -> Iterator[str]:
    """They are not built, as COCO's reads the annotations."""
    if isinstance(evaluator, list | tuple):
        for number, metric in enumerate(evaluator):
            yield from _built(metric, f'{where}.{number}', METRICS, more)
    elif evaluator and 'metrics' in evaluator:
        yield from wrong_arguments(evaluator, where, EVALUATORS, default='Evaluator')
        yield from _metrics(evaluator['metrics'], f'{where}.metrics', ('dataset',))
    elif evaluator:
        yield from _built(evaluator, where, METRICS)


def _optimizer(wrapper: dict) -> Iterator[str]:
    """Of one optimiser; several, by their names, are left to their constructor."""
    if 'optimizer' not in wrapper:
        return
    yield from wrong_arguments(
        wrapper, 'optim_wrapper', OPTIM_WRAPPERS, ('constructor', 'paramwise_cfg'), 'OptimWrapper'
    )
    optimizer, where = wrapper['optimizer'], 'optim_wrapper.optimizer'
    yield from _built(optimizer, where, OPTIMIZERS)
    if _module(optimizer, OPTIMIZERS).startswith('torch.optim.'):
        yield from _failing(where, lambda: OPTIMIZERS.build(dict(optimizer, params=_one())))
    clip = dict(wrapper.get('clip_grad') or {})
    by_value = clip.pop('type', 'norm') == 'value'
    yield from _given_to(
        clip_grad_value_ if by_value else clip_grad_norm_, clip, 'optim_wrapper.clip_grad'
    )
    for key in wrapper.get('paramwise_cfg') or ():
        close = nearest(key, PARAMWISE, 1, MISSPELT)
        if key not in PARAMWISE and close:
            yield f'optim_wrapper.paramwise_cfg.{key} is read by nothing: correct it to {close[0]}.'


def _schedules(cfg: Config) -> Iterator[str]:
    later = 'convert_to_iter_based'  # which the runner takes out
    yield from _each(cfg, 'param_scheduler', PARAM_SCHEDULERS, (later,))
    given = cfg.get('param_scheduler') or ()
    for number, part in enumerate(given if isinstance(given, list | tuple) else [given]):
        if _module(part, PARAM_SCHEDULERS).startswith('mmengine.'):
            own = {key: value for key, value in part.items() if key != later}
            optimizer = SGD(_one(), lr=0.1, momentum=0.9)
            yield from _failing(
                f'param_scheduler.{number}',
                lambda own=own, opt=optimizer: PARAM_SCHEDULERS.build(dict(own, optimizer=opt)),
            )


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
        reason = f'{type(error).__name__}: {error}'.splitlines()[0]
        yield f'{where} cannot be built ({reason}): correct what it gives.'


def _given_to(function: Callable, given: dict | None, where: str, *more: str) -> Iterator[str]:
    """Arguments that a function, which no registry knows, does not take."""
    taken = [*(name for name in inspect.signature(function).parameters if name != 'self'), *more]
    for key in given or ():
        if key not in (*taken, '_scope_'):
            yield not_taken(f'{where}.{key}', function.__name__, taken)


def _rest(cfg: Config) -> Iterator[str]:
    if cfg.get('visualizer'):
        yield from _built(cfg.visualizer, 'visualizer', VISUALIZERS)
        for number, backend in enumerate(cfg.visualizer.get('vis_backends') or ()):
            yield from _built(backend, f'visualizer.vis_backends.{number}', VISBACKENDS)
    if cfg.get('log_processor'):
        yield from wrong_arguments(
            cfg.log_processor, 'log_processor', LOG_PROCESSORS, default='LogProcessor'
        )
    if cfg.get('model_wrapper_cfg'):
        yield from _built(cfg.model_wrapper_cfg, 'model_wrapper_cfg', MODEL_WRAPPERS)


def _each(cfg: Config, key: str, registry: Registry, more: tuple[str, ...]) -> Iterator[str]:
    """Of a list; one alone may stand without it."""
    value = cfg.get(key) or ()
    if not isinstance(value, list | tuple):
        yield from _built(value, key, registry, more)
        return
    for number, part in enumerate(value):
        yield from _built(part, f'{key}.{number}', registry, more)


def _built(value, where: str, registry: Registry, more: tuple[str, ...] = ()) -> Iterator[str]:
    """What is wrong with a class and its arguments; an object that a config has made is left."""
    if isinstance(value, dict):
        yield from wrong_arguments(value, where, registry, more)
    elif isinstance(value, str | int | float):
        yield f'{where} is {value!r}: give a dict of its type and arguments.'
