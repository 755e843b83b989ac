"""The error against what is trained, for a new dataset of a ViTPose+.

    python benchmarks/trained_parts.py labels/ --held-out held_out.txt --like ap10k
        --of vitpose-plus-tiny_figures-256x192 tests/data/tiny_figures.pth

Every row is one training for each seed by the commands ``new-dataset`` and ``train``, each in its
own process, and shows the means. The row ``mean`` starts from the mean of all experts. The row
``plain`` trains everything, as a plain model (``--pretrained``). Errors are those of the held-out
pictures, in pixels of the picture. The raw figures are written to ``--json``.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from vitpose_plus import files

NAME = 'part'
TRAINED = ('expert', 'expert+norms', 'last-1', 'last-2')
COLUMNS = ('mean_px', 'median_px', 'rmse_px', 'pck_5px', 'pck_10px')


def call(folder: Path, *words: str) -> None:
    """Runs a command of the package in a folder; its output is kept in ``log.txt``."""
    with open(folder / 'log.txt', 'a') as log:
        program = [sys.executable, '-m', 'vitpose_plus', *words]
        subprocess.run(program, cwd=folder, stdout=log, stderr=log, check=True)


def starts(config: str, checkpoint: str, like: str) -> dict[str, list[str]]:
    """Title of each row -> its options of ``new-dataset``."""
    plus = ['--expert-of', config, checkpoint]
    rows = {word: [*plus, '--like', like, '--train', word] for word in TRAINED}
    return rows | dict(mean=plus, plain=['--pretrained', checkpoint, '--expert', like])


def measured(
    folder: Path, words: list[str], seeds: list[int], changes: list[str]
) -> list[dict[str, Any]]:
    """The errors of one training for each seed, with its time and its trained parameters."""
    runs = []
    for seed in seeds:
        call(folder, 'new-dataset', NAME, *words, '--force')
        start = cpu_minutes()
        options = ['--cfg-options', f'randomness.seed={seed}', *changes]
        call(folder, 'train', NAME, '--force', *options)
        work_dir = folder / 'work_dirs' / NAME
        report = json.loads((work_dir / 'report.json').read_text())
        runs.append(
            dict(
                seed=seed,
                cpu_minutes=cpu_minutes() - start,
                parameters=parameters(work_dir / 'config.py'),
                **{key: report['splits']['held_out']['overall'][key] for key in COLUMNS},
            )
        )
    return runs


def cpu_minutes() -> float:
    """The processor time of all commands so far; it hardly depends on other programs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) / 60


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
    return f'| {title} | {runs[0]["parameters"]:,} | {mean["cpu_minutes"]:.1f} | {errors} |'


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('labels')
    parser.add_argument('--of', nargs=2, required=True, metavar=('CONFIG', 'CHECKPOINT'))
    parser.add_argument('--like', required=True)
    parser.add_argument('--held-out')
    parser.add_argument('--boxes', default='points')
    parser.add_argument('--pictures')
    parser.add_argument('--no-flip', action='store_true')
    parser.add_argument('--rows', nargs='+', default=[*TRAINED, 'mean', 'plain'])
    parser.add_argument('--lr', type=float, help='instead of the learning rate that is written')
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
    changes = [f'optim_wrapper.optimizer.lr={args.lr}'] if args.lr else []
    print(f'| trained | parameters | CPU minutes | {" | ".join(COLUMNS)} |')
    rows, found = starts(config, checkpoint, args.like), {}
    for title in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            options = [*words, *rows[title]]
            found[title] = measured(Path(folder), options, args.seeds, changes)
        print(row(title, found[title]), flush=True)
    if args.json:
        with files.replacing(args.json) as part:
            part.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
