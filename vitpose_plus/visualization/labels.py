"""A sheet of labelled pictures, to see whether the labels are right before a training."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from mmcv.image import imread

from vitpose_plus.datasets.labels.model import LabelledPicture
from vitpose_plus.errors import UserError

COLUMNS = 4
PICTURES = 12
TILE_WH = (3.6, 3.0)  # inches
MARK, LETTER, LINE = 0.6, 0.09, 0.22  # inches in the legend
SIDE = 480  # pixels; larger pictures are made smaller
MARGIN = 0.75  # of the longer side of the instances, around them


def draw_labels(
    pictures: Sequence[LabelledPicture],
    names: Sequence[str],
    links: Sequence[tuple[int, int]],
    path: str | Path,
) -> None:
    """Writes a sheet of pictures with their keypoints, each in its own colour.

    Hidden keypoints have a black border, visible ones a white border.

    Args:
        pictures: The pictures; at most ``PICTURES`` are drawn, evenly spread.
        names: The names of the K keypoints.
        links: Pairs of keypoint numbers between which a line is drawn.
        path: The file to write (png).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure  # without pyplot no window can open

    rows = np.unique(np.linspace(0, len(pictures) - 1, PICTURES).round().astype(int))
    columns = min(COLUMNS, len(rows))
    height = ceil(len(rows) / columns)
    longest = max(map(len, names))
    fitting = max(1, int(columns * TILE_WH[0] / (MARK + LETTER * longest)))
    legend_height = LINE * (ceil(len(names) / fitting) + 1)
    size = columns * TILE_WH[0], height * TILE_WH[1] + legend_height
    figure = Figure(size, layout='constrained')
    tiles = list(figure.subplots(height, columns, squeeze=False).flat)
    colours = colormaps['turbo'](np.linspace(0.05, 0.95, len(names)))
    for tile in tiles:
        tile.axis('off')
    for tile, row in zip(tiles, rows, strict=False):
        _draw(tile, pictures[row], links, colours)
    marks = [_mark(colour) for colour in colours]
    legend = figure.legend(marks, names, loc='outside lower center', ncols=fitting)
    for text in legend.get_texts():
        text.set_parse_math(False)
    figure.savefig(path, dpi=110)


def _draw(
    tile, picture: LabelledPicture, links: Sequence[tuple[int, int]], colours: np.ndarray
) -> None:
    """Draws the part of a picture that has instances."""
    x1, y1, x2, y2 = _part(picture)
    image = _read(picture.path)[y1:y2, x1:x2]
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size_wh = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    # Pixel centres are at whole numbers, in the picture and on the axes.
    tile.imshow(image, extent=(x1 - 0.5, x2 - 0.5, y2 - 0.5, y1 - 0.5))
    for instance in picture.instances:
        shown = instance.labelled
        for link in links:
            if shown[list(link)].all():
                tile.plot(*instance.points[list(link), :2].T, color='white', linewidth=0.8)
        x, y, visible = instance.points[shown].T
        hidden = np.where(visible == 1, 'black', 'white')
        tile.scatter(x, y, s=22, c=colours[shown], edgecolors=hidden, linewidths=0.7, zorder=2)
    tile.set_title('/'.join(picture.path.parts[-2:]), fontsize=8, parse_math=False)


def _read(path: Path) -> np.ndarray:
    """The picture, RGB."""
    try:
        return imread(str(path), channel_order='rgb')
    except cv2.error as error:  # it has no pixels, although its size can be read
        raise UserError(
            f'The picture {path} cannot be decoded: replace it, or remove it from the labels.'
        ) from error


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
