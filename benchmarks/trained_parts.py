"""The error against what is trained, for a new dataset of a ViTPose+.

    python benchmarks/trained_parts.py labels/ --held-out held_out.txt --like ap10k
        --of vitpose-plus-tiny_figures-256x192 tests/data/tiny_figures.pth

Every row is one training by the commands ``new-dataset`` and ``train``, in its own process. The
last row trains everything, as a plain model (``--pretrained``). Errors are those of the held-out
pictures, in pixels of the picture. The raw figures are written to ``--json``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from vitpose_plus import files

NAME = 'part'
TRAINED = ('expert', 'expert+norms', 'last-1', 'last-2')
ALL = 'everything, a plain model'
COLUMNS = ('mean_px', 'median_px', 'rmse_px', 'pck_5px', 'pck_10px')


def call(folder: Path, *words: str) -> None:
    """Runs a command of the package in a folder; its output is kept in ``log.txt``."""
    with open(folder / 'log.txt', 'a') as log:
        program = [sys.executable, '-m', 'vitpose_plus', *words]
        subprocess.run(program, cwd=folder, stdout=log, stderr=log, check=True)


def measured(folder: Path, words: list[str], seeds: list[int]) -> list[dict[str, Any]]:
    """The errors of one training for each seed, with its minutes and its trained parameters."""
    runs = []
    for seed in seeds:
        call(folder, 'new-dataset', NAME, *words, '--force')
        start = time.monotonic()
        changes = ['--cfg-options', f'randomness.seed={seed}']
        call(folder, 'train', NAME, '--force', *changes)
        work_dir = folder / 'work_dirs' / NAME
        report = json.loads((work_dir / 'report.json').read_text())
        runs.append(
            dict(
                seed=seed,
                minutes=(time.monotonic() - start) / 60,
                parameters=parameters(work_dir / 'config.py'),
                **{key: report['splits']['held_out']['overall'][key] for key in COLUMNS},
            )
        )
    return runs


def parameters(config: Path) -> int:
    """The number of parameters that the training of a config changes."""
    from mmengine.registry import init_default_scope

    from vitpose_plus.experiments.catalogue import read_config
    from vitpose_plus.models.building import build_on_meta

    init_default_scope('mmpose')
    model = build_on_meta(read_config(str(config)).model)
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def row(title: str, runs: list[dict[str, Any]]) -> str:
    """A row of the table: means over the seeds."""
    mean = {key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}
    errors = ' | '.join(f'{mean[key]:.2f}' for key in COLUMNS)
    return f'| {title} | {runs[0]["parameters"]:,} | {mean["minutes"]:.1f} | {errors} |'


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('labels')
    parser.add_argument('--of', nargs=2, required=True, metavar=('CONFIG', 'CHECKPOINT'))
    parser.add_argument('--like', required=True)
    parser.add_argument('--held-out')
    parser.add_argument('--boxes', default='points')
    parser.add_argument('--pictures')
    parser.add_argument('--no-flip', action='store_true')
    parser.add_argument('--train', nargs='+', default=[*TRAINED, ALL])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--json')
    return parser.parse_args()


def main() -> None:
    args = parsed()
    config, checkpoint = args.of
    checkpoint = os.path.abspath(checkpoint)
    words = [os.path.abspath(args.labels), '--boxes', args.boxes]
    for option in ('held_out', 'pictures'):
        if given := getattr(args, option):
            words += [f'--{option.replace("_", "-")}', os.path.abspath(given)]
    words += ['--no-flip'] * args.no_flip
    print(f'| trained | parameters | minutes | {" | ".join(COLUMNS)} |')
    found = {}
    for trained in args.train:
        start = ['--expert-of', config, checkpoint, '--like', args.like, '--train', trained]
        if trained == ALL:
            start = ['--pretrained', checkpoint, '--expert', args.like]
        with tempfile.TemporaryDirectory() as folder:
            found[trained] = measured(Path(folder), [*words, *start], args.seeds)
        print(row(trained, found[trained]), flush=True)
    if args.json:
        with files.replacing(args.json) as part:
            part.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
