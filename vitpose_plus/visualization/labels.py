"""A sheet of labelled pictures, to see whether the labels are right before a training."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from mmcv.image import imread

from vitpose_plus.datasets.labels.model import LabelledPicture

COLUMNS = 4
PICTURES = 12
TILE_WH = (3.6, 3.0)  # inches
SIDE = 480  # pixels; larger pictures are made smaller
MARGIN = 0.75  # of the longer side of the instances, around them


def draw_labels(
    pictures: Sequence[LabelledPicture], names: Sequence[str], path: str | Path
) -> None:
    """Writes a sheet of pictures with their keypoints, each in its own colour.

    Args:
        pictures: The pictures; at most ``PICTURES`` are drawn, evenly spread.
        names: The names of the K keypoints.
        path: The file to write (png).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure  # without pyplot no window can open

    rows = np.unique(np.linspace(0, len(pictures) - 1, PICTURES).round().astype(int))
    columns = min(COLUMNS, len(rows))
    height = ceil(len(rows) / columns)
    figure = Figure((columns * TILE_WH[0], height * TILE_WH[1] + 0.6), layout='constrained')
    tiles = list(figure.subplots(height, columns, squeeze=False).flat)
    colours = colormaps['turbo'](np.linspace(0.05, 0.95, len(names)))
    for tile in tiles:
        tile.axis('off')
    for tile, row in zip(tiles, rows, strict=False):
        _draw(tile, pictures[row], colours)
    marks = [_mark(colour) for colour in colours]
    figure.legend(marks, names, loc='outside lower center', ncols=min(len(names), 3 * columns))
    figure.savefig(path, dpi=110)


def _draw(tile, picture: LabelledPicture, colours: np.ndarray) -> None:
    """Draws the part of a picture that has instances."""
    x1, y1, x2, y2 = _part(picture)
    image = imread(str(picture.path), channel_order='rgb')[y1:y2, x1:x2]
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size_wh = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    # Pixel centres are at whole numbers, in the picture and on the axes.
    tile.imshow(image, extent=(x1 - 0.5, x2 - 0.5, y2 - 0.5, y1 - 0.5))
    for instance in picture.instances:
        shown = instance.labelled
        x, y, visible = instance.points[shown].T
        hidden = np.where(visible == 1, 'black', 'white')
        tile.scatter(x, y, s=22, c=colours[shown], edgecolors=hidden, linewidths=0.7)
    tile.set_title(picture.path.name, fontsize=8)


def _part(picture: LabelledPicture) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the part of the picture around its instances, in whole pixels."""
    points = np.concatenate([one.points[one.labelled, :2] for one in picture.instances])
    low, high = points.min(0), points.max(0)
    margin = MARGIN * max((high - low).max(), 0.1 * max(picture.size_wh))
    x1, y1 = np.floor(np.clip(low - margin, 0, None)).astype(int).tolist()
    x2, y2 = np.ceil(np.minimum(high + margin, picture.size_wh)).astype(int).tolist()
    return x1, y1, x2, y2


def _mark(colour: np.ndarray):
    from matplotlib.lines import Line2D

    return Line2D([], [], marker='o', linestyle='', color=colour)
