"""Train a tiny ViTPose+ on six datasets of synthetic figures, test it, predict with it."""

import argparse
import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.commands import figures, predict

if TYPE_CHECKING:
    from mmengine.config import Config
    from rich.table import Table

CONFIG = 'vitpose-plus-tiny_figures-256x192'
WORK_DIR = Path('work_dirs/demo')
FIGURES = Path(figures.DEFAULT_ROOT)
METRICS = {'mpii': 'PCKh@0.5 (%)'}  # all others: AP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    import torch
    from mmengine.device import get_device
    from rich.console import Console

    from vitpose_plus.engine.hooks import ProgressHook
    from vitpose_plus.engine.restarting import remove_checkpoints
    from vitpose_plus.engine.runs import build_runner, load_config
    from vitpose_plus.evaluation import decoding_ceiling, headlines
    from vitpose_plus.inference.precisions import computes_bf16
    from vitpose_plus.visualization import contact_sheet

    start = time.monotonic()
    console = Console(file=sys.stdout, highlight=False)  # not affected by ``quiet``
    console.rule('1/5  writing six synthetic datasets')
    figures.generate(FIGURES, num_train=500, num_val=60, seed=0, force=True)

    console.rule('2/5  training one ViTPose+ on all of them')
    cfg = load_config(CONFIG, work_dir=str(WORK_DIR))
    if computes_bf16(torch.device(get_device())):
        cfg.optim_wrapper.type = 'Bf16OptimWrapper'  # two thirds of the time
    remove_checkpoints(cfg)
    with quiet():
        runner = build_runner(cfg, ('train', 'test'))
    bar = ProgressHook(console)
    runner.register_hook(bar)
    with quiet(), bar:
        runner.train()

    console.rule('3/5  testing it on pictures that were not used for training')
    with quiet():
        scores = headlines(runner.test())
        ceilings = headlines(decoding_ceiling(cfg))
    metrics = WORK_DIR / 'metrics.json'
    metrics.write_text(json.dumps({**scores, 'ceiling': ceilings}, indent=2) + '\n')

    console.rule('4/5  drawing its predictions')
    sheet = WORK_DIR / 'predictions.png'
    with quiet():
        contact_sheet(runner.model.eval(), runner.test_dataloader.dataset, sheet)

    console.rule('5/5  predicting people and animals in the same pictures')
    predictions = WORK_DIR / 'predictions'
    predict_mixed(FIGURES / 'mixed', predictions)

    console.print(table(cfg, scores, ceilings, 'One model, six datasets, held-out figures'))
    console.print(
        f'Synthetic datasets: {FIGURES}',
        f'Checkpoint and log: {WORK_DIR}',
        f'Metrics: {metrics}',
        f'Predictions: {sheet}',
        f'Pictures with people and animals: {predictions}',
        f'Time: {time.monotonic() - start:.0f} seconds.',
        sep='\n',
    )


def predict_mixed(mixed: Path, out: Path) -> None:
    """Runs ``vitpose predict`` with true boxes; the class of a box selects the expert."""
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    words = [
        str(mixed / 'val'),
        *('--model', str(WORK_DIR)),
        *('--boxes', str(mixed / 'annotations' / 'boxes_val.json')),
        *('--dataset', 'person=coco,animal=ap10k'),
        *('--out', str(out), '--force'),
    ]
    predict.run(parser.parse_args(words))


def table(
    cfg: 'Config', scores: dict[str, float], ceilings: dict[str, float], title: str
) -> 'Table':
    """The metrics of the datasets, and the score of the encoded and decoded ground truth."""
    from rich.table import Table

    result = Table('dataset', 'keypoints', 'metric', title=title)
    result.add_column('score', justify='right')
    result.add_column('ceiling', justify='right')
    for head in cfg.model.head.heads:
        name = head['dataset']
        result.add_row(
            name,
            str(head['num_keypoints']),
            METRICS.get(name, 'AP'),
            f'{scores[name]:.3f}',
            f'{ceilings[name]:.3f}',
        )
    return result


@contextmanager
def quiet() -> Iterator[None]:
    """Suppresses the tables of COCO's metric, and the log of a runner that is built inside."""
    with redirect_stdout(io.StringIO()):
        yield
