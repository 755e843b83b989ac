"""Small trainings that are stopped, killed and resumed, in child processes that tests fork.

A forked child has loaded all packages already: a few iterations take half a second.
"""

import io
import itertools
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing import util
from pathlib import Path

import torch
from mmengine.runner import BaseLoop
from mmpose.visualization import PoseLocalVisualizer

from tests.helpers.demo import ROOT
from tests.helpers.processes import free_port
from vitpose_plus.commands import main
from vitpose_plus.engine.resuming import ExactTrainLoop

# Two epochs of six iterations, with warm-up and everything that uses random numbers.
CONFIG = """
_base_ = ['{root}/configs/vitpose/vitpose-base_coco-256x192.py', '{root}/configs/_base_/figures.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(
    single_dataset_config(
        _base_,
        'coco',
        input_hw=(64, 48),
        sigma=1.0,
        data_root={figures!r},
        model=dict(
            backbone=dict(
                arch=dict(depth=2, dim=32, num_heads=2, _delete_=True),
                patch=dict(kernel_size=8, stride=8, padding=0),
                drop_path_rate=0.3,
            ),
            head=dict(in_channels=32, deconv_out_channels=(16,), deconv_kernel_sizes=(4,)),
        ),
        train_dataloader=dict(_base_.one_process, batch_size=2, dataset=dict(indices=12)),
        val_dataloader=dict(_base_.one_process, batch_size=2),
        test_dataloader=dict(_base_.one_process, batch_size=2),
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(num_layers=2))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=5, start_factor=0.1, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=6, milestones=[1], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=2)
default_hooks = dict(checkpoint=dict(interval=1), logger=dict(interval=1))
env_cfg = dict(dist_cfg=dict(backend='gloo'))
randomness = dict(seed=0)
"""
ITERS = 12


def write_config(figures: Path, name: str = 'small.py', more: str = '') -> str:
    Path(name).write_text(CONFIG.format(root=ROOT, figures=str(figures)) + more)
    return name


class Child:
    """A forked process that runs ``function``; ``end`` returns its exit code and output."""

    def __init__(self, function: Callable[[], None], **environment: str) -> None:
        self.output = Path(f'output_{time.monotonic_ns()}.txt')
        sys.stdout.flush(), sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                code = self._run(function, environment)
                util._exit_function()  # stops the loader's workers, as at every normal exit
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)

    def _run(self, function: Callable[[], None], environment: dict[str, str]) -> int:
        os.setsid()  # a signal to its group does not reach the test process
        file = os.open(self.output, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1), os.dup2(file, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(1, 'wb', 0), write_through=True)
        os.environ.update(environment)
        # A new process has none of the visualizers that runners of earlier tests have registered.
        PoseLocalVisualizer._instance_dict.clear()
        # torch makes a new pool of threads after a fork. If two threads do so, one of them fails.
        torch.set_num_threads(torch.get_num_threads())
        try:
            function()
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        except BaseException:
            traceback.print_exc()
            return 1
        return 0

    def send(self, number: int, group: bool = False) -> None:
        os.killpg(self.pid, number) if group else os.kill(self.pid, number)

    def wait_for(self, words: str, timeout: float = 60.0) -> None:
        """Waits until the child has printed these words."""
        end = time.monotonic() + timeout
        while words not in self.printed():
            assert time.monotonic() < end, self.printed()
            found = os.waitpid(self.pid, os.WNOHANG)
            assert found == (0, 0), f'{found}: {self.printed()}'
            time.sleep(0.005)

    def printed(self) -> str:
        return self.output.read_text() if self.output.exists() else ''

    def end(self, timeout: float = 120.0) -> tuple[int, str]:
        """Waits for the end and returns exit code and output; kills after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while (found := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                self.send(signal.SIGKILL, group=True)
            time.sleep(0.01)
        return os.waitstatus_to_exitcode(found[1]), self.printed()


def train(config: str, work_dir: str, *words: str, **environment: str) -> Child:
    command = ['train', config, '--work-dir', work_dir, *words]
    return Child(lambda: main(command), **environment)


def killed_before(iteration: int, config: str, work_dir: str, *words: str) -> None:
    """Trains until the child is killed (-9) before an iteration, counted from 0."""
    finished(interrupted(signal.SIGKILL, iteration, config, work_dir, *words), -signal.SIGKILL)


def interrupted(
    number: int,
    iteration: int,
    config: str,
    work_dir: str,
    *words: str,
    group: bool = False,
    times: int = 1,
    after: int = 0,
    loop: type[BaseLoop] = ExactTrainLoop,
    **environment: str,
) -> Child:
    """Starts a training that gets a signal after ``iteration`` training iterations, at the start of
    the next iteration of ``loop``, or ``after`` iterations later if it is another loop. With
    ``group``, all processes of its group get the signal."""

    def run() -> None:
        run_iter, calls = loop.run_iter, itertools.count()

        def run_iter_with_signal(self: BaseLoop, *args) -> None:
            if self.runner.iter == iteration and next(calls) >= after:
                for _ in range(times):
                    signal_group(number) if group else os.kill(os.getpid(), number)
            run_iter(self, *args)

        loop.run_iter = run_iter_with_signal
        main(['train', config, '--work-dir', work_dir, *words])

    return Child(run, **environment)


def signal_group(number: int) -> None:
    """Sends a signal to the group of this process, as a scheduler does.

    Another process sends it: for torch's workers, SIGTERM from their parent ends the loader.
    """
    pid = os.fork()
    if not pid:
        os.setsid()
        os.killpg(os.getppid(), number)
        os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(0.3)  # in this time, the end of a worker would be noticed


def two_processes() -> list[dict[str, str]]:
    """Returns the environments of two processes that train together (``--launcher pytorch``)."""
    where = dict(MASTER_ADDR='localhost', MASTER_PORT=str(free_port()), WORLD_SIZE='2')
    return [dict(where, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]


def saving_always(*options: str, workers: int = 0) -> list[str]:
    """Returns arguments that save a checkpoint after every iteration."""
    return [
        '--cfg-options',
        'default_hooks.checkpoint.minutes=0',
        f'train_dataloader.num_workers={workers}',
        f'train_dataloader.persistent_workers={workers > 0}',
        *options,
    ]


def finished(child: Child, code: int = 0) -> str:
    """Waits for a child, asserts its exit code, and returns its output."""
    ended, printed = child.end()
    assert ended == code, printed[-3000:]
    return printed


def assert_same_end(one: str, other: str, name: str = 'epoch_2.pth') -> None:
    """Asserts that weights, optimiser, schedules and counters of trainings are exactly equal."""
    first, second = (torch.load(f'{folder}/{name}', weights_only=False) for folder in (one, other))
    for part in ('state_dict', 'optimizer', 'param_schedulers', 'ema_state_dict'):
        assert_same(first.get(part), second.get(part), part)
    for key in ('epoch', 'iter', 'seed'):
        assert first['meta'][key] == second['meta'][key], key


def assert_same(one, other, where: str) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f'{where}.{key}')
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f'{where}.{number}')
    else:
        assert one == other, where


def files(work_dir: str) -> list[str]:
    """Returns the names of the files in a training folder, without the config and logs."""
    names = (path.name for path in Path(work_dir).iterdir() if path.is_file())
    return sorted(name for name in names if not name.endswith('.py'))
