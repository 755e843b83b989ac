"""Exported files against torch: size, speed and differences, in one run.

    vitpose figures --num-train 60 --num-val 8
    python benchmarks/export.py --threads 1 --calibrate vitpose-plus-tiny_figures-256x192

ViTPose-B and ViTPose+-B have random weights: their speed does not depend on the weights. All files
and torch run the same crops in turn, and the medians are compared. Random weights give no clear
peaks, so the differences of this table are those of the scores, in parts of the largest one.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from vitpose_plus.benchmarking.meters import CpuMeter
from vitpose_plus.benchmarking.subjects import random_weights
from vitpose_plus.benchmarking.timing import alternate
from vitpose_plus.benchmarking.ways import Way
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporting import Exported, export
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference.engines.opening import open_engine
from vitpose_plus.inference.models import load

CONFIGS = dict(plain='vitpose-base_coco-256x192', experts='vitpose-plus-base_six-datasets-256x192')
FILES = [('.onnx', 'fp32'), ('.xml', 'fp32'), ('.xml', 'fp16'), ('.pt2', 'fp32')]
QUANTISED = ('.xml', 'int8')
CPU = torch.device('cpu')
Run = Callable[..., object]


def medians(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """The median seconds of each run; the runs take turns."""
    ways = [Way(name, '', run, 1) for name, run in runs.items()]
    measured = alternate(ways, rounds, CpuMeter(CPU))
    return {
        way.name: statistics.median(each.seconds) for way, each in zip(ways, measured, strict=True)
    }


def rows(
    config: str, folder: Path, batch_sizes: list[int], rounds: int, calibrate: str | None
) -> Iterator[list[str]]:
    """A row for torch, and one for each file: name, size, difference, and time for each batch."""
    model = load(config, str(random_weights(config, folder)))
    description = describe(model, Options())
    files: dict[str, Exported] = {}
    data = read_config(calibrate) if calibrate else None
    for ending, precision in [*FILES, QUANTISED] if calibrate else FILES:
        path = folder / f'{precision}{ending}'
        files[f'{ending} {precision}'] = export(model, path, Options(precision=precision), data)
    graph = graph_of(model.network, description)
    runs: dict[str, Run] = dict(torch=torch.inference_mode()(graph))
    runs |= {name: open_engine(each.path, CPU) for name, each in files.items()}
    times = []
    for size in batch_sizes:
        crops = torch.randint(256, (size, 3, *description.input_hw), dtype=torch.uint8)
        numbers = torch.arange(size) * len(description.datasets) // size
        inputs = (crops, numbers) if description.has_experts else (crops,)
        times.append(medians({name: partial(run, *inputs) for name, run in runs.items()}, rounds))
    for name in runs:
        ratios = [f'{each["torch"] / each[name]:.2f}' for each in times]
        done = files.get(name)
        size, difference = '', ''
        if done:
            size = f'{done.size / 1e6:.0f} MB'
            difference = f'{max(each.largest for each in done.differences):.1e}'
        yield [name, size, difference, *ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 8])
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--models', nargs='+', choices=CONFIGS, default=list(CONFIGS))
    parser.add_argument('--calibrate', help='the config whose data calibrates int8')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in args.models:
        print(f'\n{CONFIGS[name]}, threads: {args.threads}')
        print(
            '| file | size | largest difference |',
            *(f'batch {n}: torch / file |' for n in args.batch),
        )
        print('| --- | --- | --- |' + ' --- |' * len(args.batch))
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder), args.batch, args.rounds, args.calibrate
            for row in rows(CONFIGS[name], *given):
                print('|', ' | '.join(row), '|', flush=True)


if __name__ == '__main__':
    main()
