"""Measures everything of docs/benchmarks.md that needs a GPU: ``python benchmarks/gpu.py``.

Each part can run alone: ``python benchmarks/gpu.py PART ...``. Without names, all parts run, the
trainings last. Everything that is measured is in the folder ``benchmarks/gpu``. A part
that is complete is not repeated, and a part that runs out of time is resumed when the command is
given again:

    python benchmarks/gpu.py tests small --minutes 9
    python benchmarks/gpu.py train-experts-0 --minutes 9      # again, until it prints "complete"

The folder ``work_dirs`` in it has the trainings. The parts are

- ``tests``: pytest -m gpu;
- ``small``, ``base``, ``large``, ``huge``: forward and decoding, also compiled, beside the model of
  transformers;
- ``body``: whole-body against body;
- ``predict``: a folder of pictures;
- ``step``: a training step and the loader;
- ``figures``: the data of the trainings, and their number of epochs;
- ``train-KIND-SEED``: trainings on figures, 20 minutes each, with experts and plain.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / 'benchmarks' / 'gpu'
VITPOSE = [sys.executable, '-m', 'vitpose_plus']
BENCHMARK = ['benchmark', '--device', 'cuda:0', '--force']
SIZES = ('small', 'base', 'large', 'huge')
SEEDS = (0, 1, 2)
CONFIG = ROOT / 'configs' / 'figures' / 'vitpose-plus-tiny_figures-256x192.py'
FIGURES = ['--num-train', '2000', '--num-val', '200', '--seed', '1']
PICTURES, BATCH = 2000 * 6, 96  # of the trainings; six datasets
MINUTES = 20  # of one training
CONFIGS = dict(experts=str(CONFIG), plain='plain.py')
PLAIN = f"""_base_ = [{str(CONFIG)!r}]
model = dict(backbone=dict(ffn=dict(type='SharedFFN', _delete_=True)))
"""


def speed(name: str, *words: str) -> list[str]:
    """The command that measures one part into NAME.json and NAME.png."""
    return [*VITPOSE, *BENCHMARK, *words, '--json', f'{name}.json', '--chart', f'{name}.png']


COMMANDS = {
    'tests': [
        sys.executable,
        '-m',
        'pytest',
        '-m',
        'gpu',
        '-q',
        '-p',
        'no:cacheprovider',
        str(ROOT / 'tests'),
    ],
    **{
        size: speed(
            size,
            *('--size', size, '--batch', '64', '--precision', 'bf16'),
            *('--engine', 'torch', 'compile', '--what', 'forward', 'decode'),
        )
        for size in SIZES
    },
    'body': speed(
        'body',
        *('--size', 'base', '--batch', '64', '--precision', 'bf16', '--no-competitors'),
        *('--engine', 'torch', 'compile', '--dataset', 'coco', 'coco_wholebody'),
    ),
    'predict': speed('predict', *('--what', 'predict', '--pictures', '128')),
    'step': speed(
        'step',
        *('--engine', 'torch', 'compile', '--what', 'train', 'load', '--batch', '48'),
        *('--precision', 'fp32', 'bf16'),
    ),
}


def main() -> None:
    trainings = [f'train-{kind}-{seed}' for seed in SEEDS for kind in CONFIGS]
    parts = [*COMMANDS, 'figures', *trainings]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('parts', nargs='*', metavar='PART', help=', '.join(parts))
    parser.add_argument(
        '--minutes', type=float, default=1e4, help='stop every part after this time'
    )
    args = parser.parse_args()
    if unknown := set(args.parts) - set(parts):
        parser.error(f'there is no part {", ".join(unknown)}')
    OUT.mkdir(exist_ok=True)
    for part in args.parts or parts:
        stop = time.monotonic() + 60 * args.minutes
        if (OUT / f'{part}.complete').exists():
            print(f'{part}: complete')
            continue
        is_complete = run_part(part, stop)
        if is_complete:
            (OUT / f'{part}.complete').touch()
        print(f'{part}: {"complete" if is_complete else "not complete"}', flush=True)


def run_part(part: str, stop: float) -> bool:
    """Runs a part until ``stop`` (``time.monotonic``); returns whether it is complete."""
    if part in COMMANDS:
        return run(part, COMMANDS[part], stop)
    if part == 'figures':
        return prepare(stop)
    _, kind, seed = part.split('-')
    return train(part, kind, int(seed), stop)


def run(log: str, command: list[str], stop: float) -> bool:
    """Runs a command in the folder, with its output in LOG.txt; returns whether it succeeded.

    After ``stop`` it gets SIGTERM: a training then saves a checkpoint and ends.
    """
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    with open(OUT / f'{log}.txt', 'a') as file:
        process = subprocess.Popen(command, cwd=OUT, env=environment, stdout=file, stderr=file)
        try:
            return process.wait(max(0.0, stop - time.monotonic())) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait()
            return False


def training(part: str, kind: str, seed: int, epochs: int) -> list[str]:
    """The command of a training, which resumes if it was stopped."""
    options = {
        'train_cfg.max_epochs': epochs,
        'param_scheduler.1.T_max': epochs,
        'default_hooks.checkpoint.interval': max(1, epochs // 20),
        'train_dataloader.batch_size': BATCH,
        'train_dataloader.num_workers': max(1, (os.cpu_count() or 2) - 2),
        'train_dataloader.persistent_workers': True,
        'optim_wrapper.optimizer.lr': 2e-3,  # the config's rate is for three epochs
        'optim_wrapper.type': 'Bf16OptimWrapper',
        'randomness.seed': seed,
    }
    words = [f'{key}={value}' for key, value in options.items()]
    places = [CONFIGS[kind], '--work-dir', f'work_dirs/{part}', '--resume', '--no-validate']
    return [*VITPOSE, 'train', *places, '--cfg-options', *words]


def prepare(stop: float) -> bool:
    """Writes the figures, and finds the number of epochs that fill the time with experts."""
    (OUT / 'plain.py').write_text(PLAIN)
    folder = OUT / 'work_dirs' / 'demo' / 'figures'
    if not folder.exists():
        words = ['figures', 'work_dirs/demo/figures', *FIGURES]
        if not run('figures', [*VITPOSE, *words], stop):
            return False
    if not run('calibration', training('calibration', 'experts', 0, epochs=1), stop):
        return False
    file = max((OUT / 'work_dirs' / 'calibration').glob('*/vis_data/scalars.json'))
    times = [json.loads(line).get('time') for line in file.read_text().splitlines()]
    seconds = [each for each in times if each][-1] * PICTURES / BATCH
    (OUT / 'epochs.json').write_text(json.dumps(max(2, round(60 * MINUTES / seconds))))
    return True


def train(part: str, kind: str, seed: int, stop: float) -> bool:
    """Trains and tests; the metrics are in PART.json."""
    if not (OUT / 'epochs.json').exists():
        print('The part figures comes first.')
        return False
    epochs = json.loads((OUT / 'epochs.json').read_text())
    if not run(part, training(part, kind, seed, epochs), stop):
        return False
    checkpoint = f'work_dirs/{part}/epoch_{epochs}.pth'
    return run(part, [*VITPOSE, 'test', CONFIGS[kind], checkpoint, '--out', f'{part}.json'], stop)


if __name__ == '__main__':
    main()
