"""The pictures inside a report, as data URIs.

Shapes: K keypoints; H, W of a picture.
"""

import tempfile
from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np

from vitpose_plus.engine.scalars import Curve
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.sources import open_sources
from vitpose_plus.reports.history import OF_ITERATIONS
from vitpose_plus.reports.report import Report
from vitpose_plus.visualization.curves import draw_curves
from vitpose_plus.visualization.poses import draw_pose

TILE = 400  # pixels: the longer side of a tile
MARGIN = 0.25  # of the longer side of the points' box, on each side
LEAST = 48  # pixels of the picture: the smallest side of the square
QUALITY = 85  # of JPEG
MARKED = 3  # errors that are drawn as lines
ERROR = (60, 60, 255)  # BGR


def curve_pictures(curves: dict[str, Curve]) -> dict[str, str]:
    """Returns the name of each curve -> the data URI of its plot."""
    uris = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'curve.png')
        for name, curve in curves.items():
            if curve.values:
                draw_curves({name: {'': curve.values}}, {name: curve.unit}, path, OF_ITERATIONS)
                uris[name] = _uri(path.read_bytes(), 'png')
    return uris


def tiles(report: Report, row: int) -> tuple[str, str]:
    """Returns the data URIs of two pictures of a held-out instance: its label, its prediction.

    Both show the same part of the picture. In the prediction, lines lead from the labels to the
    points with the largest errors.
    """
    split = report.held_out
    points, predicted = split.labels.points[row], split.keypoints[row]
    is_labelled = points[:, 2] > 0
    [picture] = open_sources([split.labels.paths[row]])
    seen = np.concatenate([points[is_labelled, :2], predicted[is_labelled]])
    image, low, scale = crop(picture.read(), seen)
    label, prediction = image, image.copy()
    on_tile, predicted_on_tile = (
        (each - low + 0.5) * scale - 0.5 for each in (points[:, :2], predicted)
    )
    draw_pose(label, on_tile, is_labelled.astype(float), report.skeleton, score=SCORE)
    draw_pose(prediction, predicted_on_tile, is_labelled.astype(float), report.skeleton)
    for i in np.argsort(-np.nan_to_num(split.errors.distances[row], nan=-1))[:MARKED]:
        if is_labelled[i]:
            _draw_error(prediction, on_tile[i], predicted_on_tile[i])
    return _jpeg(label), _jpeg(prediction)


def crop(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts a square around points out of a picture, and resizes it for a tile.

    The parts of the square that are outside of the picture are left out.

    Args:
        image: BGR (H, W, 3).
        points: x, y (M, 2) in pixels.

    Returns:
        The tile (h, w, 3), the first pixel x, y (2,) of the part, and the scales in x and y (2,).
    """
    size = np.array(image.shape[1::-1])
    points = np.clip(points, 0, size - 1)
    low, high = points.min(axis=0), points.max(axis=0)
    half = max((0.5 + MARGIN) * (high - low).max(), LEAST / 2)
    middle = (low + high) / 2
    low = np.maximum(np.floor(middle - half), 0).astype(int)
    high = np.minimum(np.ceil(middle + half), size).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    factor = TILE / (high - low).max()
    wh = np.maximum(np.round((high - low) * factor), 1).astype(int)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    tile = cv2.resize(part, tuple(wh.tolist()), interpolation=how)
    return np.ascontiguousarray(tile), low, wh / (high - low)


def _draw_error(image: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    places = [
        tuple(np.round(np.clip(each, -1e4, 1e4)).astype(int).tolist()) for each in (start, end)
    ]
    cv2.line(image, *places, ERROR, 2, cv2.LINE_AA)
    cv2.drawMarker(image, places[0], ERROR, cv2.MARKER_CROSS, 12, 2, cv2.LINE_AA)


def _jpeg(image: np.ndarray) -> str:
    return _uri(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1], 'jpeg')


def _uri(content: bytes | np.ndarray, kind: str) -> str:
    return f'data:image/{kind};base64,{b64encode(content).decode()}'
