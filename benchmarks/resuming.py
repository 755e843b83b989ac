"""Measures what exact resuming, checked steps and signals cost in each iteration.

python benchmarks/resuming.py [CONFIG] [--batch-size 16] [--rounds 25]

The results are in docs/reliability.md. In one process, two runners train on synthetic figures: one
with the loop and hooks of the included configs, one with mmengine's own. They train one epoch each,
in turn. The program prints the median of the ratios of their times.
"""

import argparse
import contextlib
import io
import logging
import tempfile
import time
from pathlib import Path
from statistics import median

from mmengine.config import Config
from mmengine.runner import Runner

import vitpose_plus  # noqa: F401  registers its classes
from vitpose_plus.datasets.figures import write_figures
from vitpose_plus.experiments.catalogue import find_config


def mmengines_own(cfg: Config) -> Config:
    """The config with the loop and hooks of mmengine."""
    cfg.train_cfg.type = 'EpochBasedTrainLoop'
    cfg.default_hooks.checkpoint.type = 'CheckpointHook'
    cfg.default_hooks.pop('finite_steps')
    return cfg


def warmed_up(cfg: Config) -> Runner:
    """A runner that has trained for an epoch."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def seconds(runner: Runner) -> float:
    """The time of an epoch, with loading and without saving."""
    start = time.perf_counter()
    runner.train_loop.run_epoch()
    return time.perf_counter() - start


def config(name: str, figures: Path, batch_size: int) -> Config:
    """A config that trains one epoch of one dataset, without validation."""
    cfg = Config.fromfile(find_config(name))
    cfg.work_dir = str(figures.parent / 'out')
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = str(figures / Path(dataset.data_root).name)
    cfg.train_dataloader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
    cfg.train_cfg.max_epochs, cfg.randomness, cfg.log_level = 1, dict(seed=0), 'ERROR'
    cfg.default_hooks.checkpoint.update(interval=10**6, save_last=False)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    return cfg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', nargs='?', default='vitpose-tiny_figures-128x96')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--rounds', type=int, default=25)
    parser.add_argument('--iterations', type=int, default=12, help='about this number per epoch')
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    times = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        figures = Path(folder) / 'figures'
        people = args.iterations * args.batch_size
        write_figures(figures, num_train=people // 2, num_val=1)
        given = (args.config, figures, args.batch_size)
        plain, ours = warmed_up(mmengines_own(config(*given))), warmed_up(config(*given))
        for number in range(args.rounds):
            pair = [plain, ours] if number % 2 else [ours, plain]
            took = {runner: seconds(runner) for runner in pair}
            times.append((took[plain], took[ours]))
        iterations = len(plain.train_dataloader)
    a, b = (1e3 * median(each) / iterations for each in zip(*times, strict=True))
    ratios = sorted(ours / plain for plain, ours in times)
    print(f'{args.config}, {args.batch_size} pictures: {a:.2f} ms an iteration, ours {b:.2f} ms')
    print(
        f'ratios of {args.rounds} rounds of {iterations} iterations: median {median(ratios):.4f}, '
        f'quartiles {ratios[len(ratios) // 4]:.4f} to {ratios[3 * len(ratios) // 4]:.4f}'
    )


if __name__ == '__main__':
    main()
