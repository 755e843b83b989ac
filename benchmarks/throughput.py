"""Draws docs/images/throughput.png: speed and accuracy. All numbers are reported by the papers.

python benchmarks/throughput.py
"""

from pathlib import Path

import matplotlib.pyplot as plt

# Name -> persons per second (one A100, batch 64, no flip, no decoding), AP on COCO val (one
# dataset), millions of parameters. The speed of S is from the authors' figure.
VITPOSE = {
    'S': (1439, 73.8, 24),
    'B': (944, 75.8, 90),
    'L': (411, 78.3, 309),
    'H': (241, 79.1, 637),
}
VITPOSE_PLUS = {'S': (1439, 75.8), 'B': (944, 77.0), 'L': (411, 78.6), 'H': (241, 79.4)}
OTHERS = {  # name -> persons per second, AP, offset of the label
    'SimpleBaseline-R152': (829, 73.5, (7, -4)),
    'HRNet-W32': (916, 74.4, (7, -4)),
    'HRNet-W48': (649, 75.1, (7, -10)),
    'UDP-HRNet-W48 384x288': (309, 77.2, (7, -4)),
    'TokenPose-L/D24': (602, 75.8, (7, 2)),
    'TransPose-H/A6': (309, 75.8, (7, 2)),
    'HRFormer-B': (158, 75.6, (7, -10)),
}


def draw(path: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.8), dpi=120, layout='constrained')
    for name, (speed, ap, offset) in OTHERS.items():
        axes.scatter(speed, ap, color='0.6', s=18, zorder=2)
        axes.annotate(
            name, (speed, ap), xytext=offset, textcoords='offset points', fontsize=8, color='0.4'
        )
    speeds, aps, parameters = zip(*VITPOSE.values(), strict=True)
    axes.plot(speeds, aps, color='tab:blue', zorder=3)
    axes.scatter(
        speeds,
        aps,
        s=[p * 0.6 + 20 for p in parameters],
        color='tab:blue',
        zorder=4,
        label='ViTPose, COCO (area: parameters)',
    )
    axes.plot(
        *zip(*VITPOSE_PLUS.values(), strict=True),
        color='tab:orange',
        marker='D',
        zorder=3,
        label='ViTPose+, six datasets, one expert folded',
    )
    for name, (speed, ap) in VITPOSE_PLUS.items():
        axes.annotate(
            name, (speed, ap), xytext=(0, 8), textcoords='offset points', ha='center', weight='bold'
        )
    axes.set(
        xlabel='persons a second: one A100, batch 64, 256x192, forward pass only',
        ylabel='AP, COCO val, boxes of 56 AP',
        title='Speed and accuracy as reported by the papers (none measured here)',
    )
    axes.margins(0.08)
    axes.grid(alpha=0.3)
    axes.legend(loc='lower left', fontsize=8)
    figure.savefig(path)


if __name__ == '__main__':
    draw(Path(__file__).parents[1] / 'docs' / 'images' / 'throughput.png')
