"""Draws docs/images/experts.png: how similar the experts of a ViTPose+ are, layer by layer.

python benchmarks/experts.py FOLDER ...

Each FOLDER is the training folder of a run with its initial weights in `start.pth`. The picture
shows the mean of the runs.
"""

import argparse
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.nn import functional as F

from vitpose_plus.checkpoints import reading

DATASETS = ('coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody')
ANIMALS = ('ap10k', 'apt36k')
PAIRS = {0: 'people and people', 1: 'people and animals', 2: 'animals and animals'}


def weights(path: Path) -> Tensor:
    """The weights of the experts in a checkpoint: (layers, E experts, numbers of an expert)."""
    state = reading.read(path)
    return torch.stack(
        [v.flatten(1).double() for k, v in state.items() if k.endswith('ffn.experts.weight')]
    )


def cosines(vectors: Tensor) -> Tensor:
    """The cosines between the experts of each layer: (layers, E, numbers) -> (layers, E, E)."""
    vectors = F.normalize(vectors, dim=-1)
    return vectors @ vectors.transpose(1, 2)


def kind(pair: tuple[int, int]) -> int:
    """The number of experts of animals in a pair."""
    return sum(DATASETS[expert] in ANIMALS for expert in pair)


def draw(axes: plt.Axes, found: Tensor, title: str) -> None:
    layers = range(1, len(found) + 1)
    pairs = list(combinations(range(len(DATASETS)), 2))
    for pair in pairs:
        axes.plot(layers, found[:, *pair], color=f'C{kind(pair)}', alpha=0.25, linewidth=1)
    for number, label in PAIRS.items():
        mean = torch.stack([found[:, *pair] for pair in pairs if kind(pair) == number]).mean(0)
        axes.plot(layers, mean, color=f'C{number}', marker='o', label=label)
        print(title, label, ' '.join(f'{value:.3f}' for value in mean), sep=', ')
    axes.set(xlabel='layer', ylabel='cosine', title=title, xticks=list(layers))
    axes.grid(alpha=0.3)


def main(folders: list[str]) -> None:
    ends = [weights(max(Path(folder).glob('epoch_*.pth'))) for folder in folders]
    starts = [weights(Path(folder) / 'start.pth') for folder in folders]
    moved = [end - start for end, start in zip(ends, starts, strict=True)]
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), dpi=120, layout='constrained')
    titles = ("experts' weights", 'what training added to them')
    for axes, vectors, title in zip(panels, (ends, moved), titles, strict=True):
        draw(axes, torch.stack([cosines(each) for each in vectors]).mean(0), title)
    figure.legend(*axes.get_legend_handles_labels(), loc='outside lower center', ncols=len(PAIRS))
    figure.savefig(Path(__file__).parents[1] / 'docs' / 'images' / 'experts.png')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folders', nargs='+')
    main(parser.parse_args().folders)
