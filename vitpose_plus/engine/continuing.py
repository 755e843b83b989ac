"""Stores the position of a training in a checkpoint, and resumes from there.

The batch size and the number of processes may be different when the training is resumed.
"""

import warnings
from collections.abc import Iterator

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size, is_distributed
from mmengine.runner import Runner
from torch import Tensor, nn

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.engine.resuming import ExactTrainLoop
from vitpose_plus.errors import UserError

# Prefixes that wrappers of torch add to the names of buffers.
WRAPPERS = ('_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')
RANK_BUFFERS = 'rank_buffers'


def gather_buffers(model: nn.Module) -> dict[str, list[Tensor]]:
    """Returns the buffers that differ between processes (batch norm's statistics).

    Each name has a list with one tensor per process.
    """
    if not is_distributed():
        return {}
    own = {name: buffer.detach().cpu() for name, buffer in _named_buffers(model)}
    every = all_gather_object(own)
    gathered = {name: [each[name] for each in every] for name in own}
    return {
        name: values
        for name, values in gathered.items()
        if not all(torch.equal(values[0], value) for value in values)
    }


def add_position(runner: Runner, checkpoint: dict, rank_buffers: dict[str, list[Tensor]]) -> None:
    """Adds to a checkpoint the values that ``prepare_resuming`` needs."""
    loop, meta = runner._train_loop, checkpoint['meta']
    if not isinstance(loop, ExactTrainLoop):
        return
    meta['iters_per_epoch'] = len(loop.dataloader)
    meta['samples_per_iter'] = _samples_per_iter(loop)
    meta['samples_done'] = get_world_size() * loop.samples_used(meta['epoch'], meta['iter'])
    saved = {k: v for k, v in rank_buffers.items() if k in checkpoint['state_dict']}
    if saved:
        checkpoint[RANK_BUFFERS] = saved


def prepare_resuming(runner: Runner, checkpoint: dict) -> None:
    """Sets the loop to the position of a checkpoint, and prepares the checkpoint for loading.

    An iteration may have another number of samples than before. Then the epoch continues with the
    samples that it has not used yet. The schedules are set as if the earlier iterations had the
    new number of samples, too.
    """
    loop, meta = runner._train_loop, checkpoint['meta']
    if not isinstance(loop, ExactTrainLoop) or 'samples_done' not in meta:
        return
    for name, values in checkpoint.get(RANK_BUFFERS, {}).items():
        if len(values) == get_world_size():
            checkpoint['state_dict'][name] = values[get_rank()]
    before = meta['iters_per_epoch'], meta['samples_per_iter'], meta['iter']
    meta['iter'] = loop.begin_at(meta['epoch'], meta['samples_done'] // get_world_size())
    now = len(loop.dataloader), _samples_per_iter(loop), meta['iter']
    if before != now:
        runner.logger.info(
            f'An epoch has {now[0]} iterations of {now[1]} samples; in the checkpoint it had '
            f'{before[0]} of {before[1]}. Iteration {before[2]} of the checkpoint is iteration '
            f'{now[2]} here. Learning rates are set as if all iterations had this size.'
        )
        replay_schedules(runner, checkpoint)


def _samples_per_iter(loop: ExactTrainLoop) -> int:
    return loop.dataloader.batch_size * get_world_size()


def replay_schedules(runner: Runner, checkpoint: dict) -> None:
    """Steps the newly built schedules to the epoch and iteration of a checkpoint.

    The states of these schedules, and the values that they set, replace those in the checkpoint.
    """
    meta, length = checkpoint['meta'], len(runner.train_dataloader)
    built = runner.param_schedulers or []
    schedulers = [each for part in _scheduler_lists(built) for each in part]
    if not schedulers or 'param_schedulers' not in checkpoint:
        return
    replayed = [each for each in schedulers if not getattr(each, 'need_val_args', False)]
    by_epoch = [each for each in replayed if each.by_epoch]
    by_iter = [each for each in replayed if not each.by_epoch]
    with warnings.catch_warnings(action='ignore'):  # torch warns if the optimiser makes no steps
        for epoch in range(meta['epoch'] + 1):
            done = epoch < meta['epoch']
            for _ in range(length if done else meta['iter'] - epoch * length):
                for scheduler in by_iter:
                    scheduler.step()
            for scheduler in by_epoch if done else ():
                scheduler.step()
    saved = [state for part in _scheduler_lists(checkpoint['param_schedulers']) for state in part]
    if len(saved) != len(schedulers):
        raise UserError(
            f'The config has {len(schedulers)} schedules, but the checkpoint has {len(saved)}: '
            'give the config that the checkpoint was trained with, or keep the batch size.'
        )
    for scheduler, state in zip(schedulers, saved, strict=True):
        if scheduler in replayed:
            state.clear()
            state.update(scheduler.state_dict())
    scheduled = {each.param_name for each in replayed}
    optimizer = checkpoint['optimizer']
    groups = [*optimizer['param_groups'], optimizer.get('base_param_settings')]
    for group, current in zip(groups, runner.optim_wrapper.param_groups, strict=False):
        for key in scheduled:
            for name in (key, f'initial_{key}'):
                group[name] = current[name]


def _scheduler_lists(schedulers: list | dict) -> Iterator[list]:
    """Yields one list for each optimiser; for several, ``schedulers`` is a dict of lists."""
    yield from schedulers.values() if isinstance(schedulers, dict) else [schedulers]


def _named_buffers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, buffer in unwrapped(model).named_buffers():
        for wrapper in WRAPPERS:
            name = name.replace(wrapper, '')
        yield name, buffer
