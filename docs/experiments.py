"""Makes the tables of experiments.md: ``python docs/experiments.py NAME ...`` (or all of them).

Every row is trained once a seed, each run on one core of its own; a run that stands in the JSON
beside the tables is not repeated. The figures are drawn first, if they are not there.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmengine.config import Config

ROOT = Path(__file__).parent / 'experiments'
WORK_DIR = Path('work_dirs/experiments')
ATTENTION = 'vitpose-tiny_figures-128x96'  # 16x12 tokens
PLAIN = 'vitpose-tiny-stride16_figures-128x96'  # 8x6 tokens
PLUS = 'vitpose-plus-tiny_figures-128x96'
MAE = 'mae-tiny_figures-128x96'
TEACHER = 'vitpose-tiny-teacher_figures-128x96'
TOKEN = 'vitpose-tiny-token_figures-128x96'
STUDENT = 'vitpose-tiny-distill_figures-128x96'
BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'
START, TRAINED, KNOWLEDGE = 'epoch_20.pth', 'epoch_10.pth', 'token.pth'
WINDOW = dict(window_hw=(2, 2))  # of 16x12 tokens: 16x16 pixels

Run = tuple[str, int]  # a row's label, a seed
Result = dict[str, float]


class Row(NamedTuple):
    """A line of a table: a shipped config, what is different in it, and its start.

    Attributes:
        start: What changes the config once more for a seed, where a run begins with another's end.
        leaves: The file that others begin with: without it a run is not done.
        seeds: Of its runs.
    """

    label: str
    config: str
    changes: dict = {}
    start: Callable[['Config', int], None] | None = None
    leaves: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)


def with_attention(label: str, *kinds: str) -> Row:
    """``kinds`` are taken in turn through the four layers."""
    attention = [dict(type=f'{kind}WindowAttention', **WINDOW) for kind in kinds if kind != 'full']
    attention += [dict(type='FullAttention')] * kinds.count('full')
    return Row(label, ATTENTION, {'model.backbone.attention': attention})


def pretrained(cfg: 'Config', seed: int) -> None:
    """The backbone starts from the pre-training of that seed."""
    path = folder('pre-training', 'mae', seed) / START
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')


def expanded(cfg: 'Config', seed: int) -> None:
    """All experts of a layer begin as one FFN: a plain model, expanded; not yet trained."""
    import torch
    from mmengine.runner import set_random_seed
    from mmpose.registry import MODELS

    from vitpose_plus.checkpoints import expand
    from vitpose_plus.shipped import read_config

    set_random_seed(seed)
    plain = MODELS.build(read_config(PLAIN).model)
    plain.init_weights()
    state = {key: value for key, value in plain.state_dict().items() if key.startswith('backbone.')}
    path = Path(cfg.work_dir) / 'start.pth'
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(expand(state, cfg), path)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')


def of_the_teacher(cfg: 'Config', seed: int) -> None:
    """Only one teacher is trained: students of all seeds have it in common."""
    cfg.load_from = str(folder('teacher', 'teacher', 0) / TRAINED)


def taught(cfg: 'Config', seed: int) -> None:
    """By that teacher, its token, or both."""
    if cfg.model.teacher:
        cfg.model.teacher.checkpoint = str(folder('teacher', 'teacher', 0) / TRAINED)
    if cfg.model.token:
        cfg.model.token.file = str(folder('token', 'token', 0) / KNOWLEDGE)


def frozen(label: str, *parts: str) -> Row:
    return Row(label, PLAIN, {'model.backbone.frozen': parts}, pretrained)


def with_ffn(label: str, kind: str) -> Row:
    return Row(label, PLUS, {'model.backbone.ffn.type': kind}, expanded)


NO_TOKEN = {'model.token': None, 'model.backbone.num_prefix_tokens': 0}
SHARED = {'model.backbone.ffn': dict(type='SharedFFN', _delete_=True)}
EXPERIMENTS = {
    'attention': [
        with_attention('full', 'full'),
        with_attention('window', ''),
        with_attention('window, shift', '', 'Shifted'),
        with_attention('window, pool', 'Pooling'),
        with_attention('window, shift, pool', 'Pooling', 'ShiftedPooling'),
    ],
    'pre-training': [Row('mae', MAE, leaves=START)],
    'fine-tuning': [
        Row('from random', PLAIN),
        Row('from MAE on the figures', PLAIN, start=pretrained),
        frozen('the same, MHSA frozen', 'attention', 'norm1'),
        frozen('the same, FFN frozen', 'ffn', 'norm2', 'patch_embed', 'pos_embed'),
    ],
    'ffn': [
        Row('shared', PLUS, SHARED, expanded),
        with_ffn('partially shared', 'PartiallySharedFFN'),
    ],
    'teacher': [Row('teacher', TEACHER, leaves=TRAINED, seeds=(0,))],
    'token': [Row('token', TOKEN, start=of_the_teacher, leaves=KNOWLEDGE, seeds=(0,))],
    'distillation': [
        Row('none', ATTENTION),
        Row('output', STUDENT, NO_TOKEN, taught),
        Row('token', STUDENT, {'model.teacher': None}, taught),
        Row('both', STUDENT, start=taught),
    ],
    'bottom-up': [Row('associative embedding', BOTTOM_UP)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', default=list(EXPERIMENTS), choices=EXPERIMENTS)
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    args = parser.parse_args()
    draw_figures()
    for name in args.names:
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


def draw_figures() -> None:
    """In colour, and in grey: colours would tell left from right without a look at the rest."""
    import cv2

    from vitpose_plus.commands import figures

    colour, grey = WORK_DIR / 'figures', WORK_DIR / 'grey'
    if not colour.exists():
        figures.draw(colour, num_train=1000, num_val=100, seed=1)
    if not grey.exists():
        part = grey.with_name('grey.part')
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(colour, part)
        for path in part.rglob('*.jpg'):
            cv2.imwrite(str(path), cv2.cvtColor(cv2.imread(str(path), 0), cv2.COLOR_GRAY2BGR))
        part.rename(grey)


def run(name: str, label: str, seed: int) -> Result:
    """One training and test in a process of its own: the datasets' scores and the seconds."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    import vitpose_plus  # noqa: F401  registers everything
    from vitpose_plus.commands.running import build_runner
    from vitpose_plus.evaluation import headlines
    from vitpose_plus.shipped import find_config

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


def folder(name: str, label: str, seed: int) -> Path:
    return WORK_DIR / name / f'{label.replace(", ", "-").replace(" ", "-")}-{seed}'


def done(name: str) -> Iterator[tuple[Run, Result]]:
    """The runs in the JSON, of rows there still are, with the files that others need."""
    path = ROOT / f'{name}.json'
    rows = {row.label: row for row in EXPERIMENTS[name]}
    for entry in json.loads(path.read_text()) if path.exists() else []:
        label, seed = entry.pop('row'), entry.pop('seed')
        leaves = rows[label].leaves if label in rows else None
        if label in rows and (not leaves or (folder(name, label, seed) / leaves).exists()):
            yield (label, seed), entry


def save(name: str, found: dict[Run, Result]) -> None:
    order = [row.label for row in EXPERIMENTS[name]]
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    lines = [json.dumps({'row': label, 'seed': seed, **found[label, seed]}) for label, seed in keys]
    ROOT.mkdir(exist_ok=True)
    (ROOT / f'{name}.json').write_text('[\n' + ',\n'.join(lines) + '\n]\n')


def table(name: str, found: dict[Run, Result]) -> str:
    """Markdown: of each row and dataset, the mean and every seed."""
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
