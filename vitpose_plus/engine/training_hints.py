"""Warns when a training begins about settings that are valid, but probably not intended."""

import os
from collections.abc import Iterator

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.optim.scheduler.param_scheduler import LinearParamScheduler
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from vitpose_plus.errors import UserError


class TrainingHintsHook(Hook):
    """Warns if the warm-up, batch size or workers do not fit; refuses a training without steps."""

    priority = 'VERY_LOW'

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        if len(loader) == 0:
            raise UserError(
                f'train_dataloader drops incomplete batches (drop_last), and {_sizes(loader)}: '
                'nothing would be trained; give a smaller batch_size.'
            )
        if is_main_process():
            for hint in (*_of_loader(loader), *_of_schedules(runner)):
                runner.logger.warning(hint)


def _sizes(loader: DataLoader) -> str:
    batch = loader.batch_size * get_world_size()
    return f'a batch of {batch} is larger than the training set of {len(loader.dataset)}'


def _of_loader(loader: DataLoader) -> Iterator[str]:
    if loader.batch_size and len(loader.dataset) < loader.batch_size * get_world_size():
        yield f'In train_dataloader {_sizes(loader)}: a smaller batch_size gives more steps.'
    cores = os.cpu_count() or 1
    if loader.num_workers > cores:
        yield (
            f'train_dataloader has {loader.num_workers} workers, but this machine has {cores} '
            'cores: fewer num_workers may be faster.'
        )


def _of_schedules(runner: Runner) -> Iterator[str]:
    given = runner.param_schedulers or []
    parts = given.values() if isinstance(given, dict) else [given]
    for schedule in (each for part in parts for each in part):
        unit = 'epochs' if schedule.by_epoch else 'iterations'
        total = runner.max_epochs if schedule.by_epoch else runner.max_iters
        if isinstance(schedule, LinearParamScheduler) and schedule.end > total:
            yield (
                f'The warm-up ({type(schedule).__name__}, until {schedule.end} {unit}) is longer '
                f'than the training of {total}: the learning rate does not reach its value; give a '
                'smaller end in param_scheduler.'
            )
