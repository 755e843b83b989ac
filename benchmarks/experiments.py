"""Makes the tables of docs/experiments.md: ``python benchmarks/experiments.py NAME ...``, or all.

Every row of experiment_rows.py is trained once for each seed, and each run uses one core. A run
is not repeated if its result is in docs/experiments/NAME.json. There is one exception: a run whose
file other rows need is repeated if this file is missing. The synthetic figures are written first,
if they are missing.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from experiment_rows import EXPERIMENTS, WORK_DIR, folder

ROOT = Path(__file__).parents[1] / 'docs' / 'experiments'

Run = tuple[str, int]  # a row's label, a seed
Result = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(EXPERIMENTS))
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    args = parser.parse_args()
    if unknown := set(args.names) - set(EXPERIMENTS):
        parser.error(f'there is no experiment {", ".join(unknown)}')
    make_figures()
    for name in EXPERIMENTS:
        if args.names and name not in args.names:
            continue
        found = dict(done(name))
        with ProcessPoolExecutor(args.processes, get_context('spawn')) as pool:
            runs = {
                pool.submit(run, name, row.label, seed): (row.label, seed)
                for row in EXPERIMENTS[name]
                for seed in row.seeds
                if (row.label, seed) not in found
            }
            for future in as_completed(runs):
                found[runs[future]] = future.result()
                save(name, found)
                print(*runs[future], found[runs[future]], flush=True)
        print(table(name, found))


def make_figures() -> None:
    """Writes the figures in colour and in grey. In colour, a limb's colour shows its side."""
    import cv2

    from vitpose_plus.commands import figures
    from vitpose_plus.datasets.figures.record import RECORD
    from vitpose_plus.files import new_folder

    colour, grey = WORK_DIR / 'figures', WORK_DIR / 'grey'
    if not colour.exists():
        figures.generate(colour, num_train=1000, num_val=100, seed=1)
    if not grey.exists():
        with new_folder(grey) as part:
            other = shutil.ignore_patterns(RECORD)  # it describes the files in colour
            shutil.copytree(colour, part, ignore=other, dirs_exist_ok=True)
            for path in part.rglob('*.jpg'):
                cv2.imwrite(str(path), cv2.cvtColor(cv2.imread(str(path), 0), cv2.COLOR_GRAY2BGR))


def run(name: str, label: str, seed: int) -> Result:
    """Trains and tests in its own process; returns the score of each dataset and the seconds."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    import vitpose_plus  # noqa: F401  registers everything
    from vitpose_plus.engine.runs import build_runner
    from vitpose_plus.evaluation import headlines
    from vitpose_plus.experiments.catalogue import find_config

    torch.set_num_threads(1)
    init_default_scope('mmpose')
    row = next(row for row in EXPERIMENTS[name] if row.label == label)
    cfg = Config.fromfile(find_config(row.config))
    cfg.merge_from_dict(row.changes)
    cfg.update(work_dir=str(folder(name, label, seed)), launcher='none', randomness=dict(seed=seed))
    if row.start is not None:
        row.start(cfg, seed)
    start = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        tested = cfg.get('test_dataloader') is not None
        runner = build_runner(cfg, ('train', 'test') if tested else ('train',))
        runner.train()
        scores = headlines(runner.test()) if tested else {}
    scores = {dataset: round(score, 4) for dataset, score in scores.items()}
    return {**scores, 'seconds': round(time.monotonic() - start)}


def done(name: str) -> Iterator[tuple[Run, Result]]:
    """Yields the runs in the JSON file that still have a row, and the file that other rows need."""
    path = ROOT / f'{name}.json'
    rows = {row.label: row for row in EXPERIMENTS[name]}
    for entry in json.loads(path.read_text()) if path.exists() else []:
        label, seed = entry.pop('row'), entry.pop('seed')
        file = rows[label].needed_file if label in rows else None
        if label in rows and (not file or (folder(name, label, seed) / file).exists()):
            yield (label, seed), entry


def save(name: str, found: dict[Run, Result]) -> None:
    order = [row.label for row in EXPERIMENTS[name]]
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    lines = [json.dumps({'row': label, 'seed': seed, **found[label, seed]}) for label, seed in keys]
    ROOT.mkdir(exist_ok=True)
    (ROOT / f'{name}.json').write_text('[\n' + ',\n'.join(lines) + '\n]\n')


def table(name: str, found: dict[Run, Result]) -> str:
    """A Markdown table: for each row and dataset, the mean and the result of each seed."""
    datasets = [key for key in next(iter(found.values())) if key != 'seconds']
    lines = [f'| {name} | {" | ".join(datasets)} |', '| --- |' + ' --- |' * len(datasets)]
    for row in EXPERIMENTS[name]:
        runs = [result for (label, _), result in sorted(found.items()) if label == row.label]
        cells = [cell([result[dataset] for result in runs]) for dataset in datasets]
        lines.append(f'| {row.label} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def cell(values: list[float]) -> str:
    digits = 1 if max(values) > 1 else 3  # percent, or AP
    each = ', '.join(f'{value:.{digits}f}' for value in values)
    return f'**{statistics.mean(values):.{digits}f}** ({each})'


if __name__ == '__main__':
    main()
