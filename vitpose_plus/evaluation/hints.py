"""Hints about results that are probably a mistake: one line each, with likely causes."""

from collections.abc import Iterable
from math import isnan
from numbers import Real

import numpy as np

# The main metrics. Other metrics are often -1, such as AP (M) if no person has that size.
SCORES = ('AP', 'PCK', 'PCKh', 'tPCK', 'AUC')  # 0 is the worst
ERRORS = ('EPE', 'NME')  # 0 is the best
CELL = 0.02  # about one heatmap pixel, as a part of the crop's width or height
FEW = 5  # this number of crops, or fewer, may have the same keypoints by chance


def metric_hints(metrics: dict[str, float], trained: bool = True) -> list[str]:
    """Returns hints about main metrics that are 0, -1 (COCO's value if no instance counts) or NaN.

    Args:
        metrics: The metrics by name, as an evaluator returns them.
        trained: False if 0 is normal, as in the first validations of a training.
    """
    named = {key: (key.rsplit('/', 1)[-1], value) for key, value in metrics.items()}
    named = {key: pair for key, pair in named.items() if isinstance(pair[1], Real)}
    scores = {key: value for key, (name, value) in named.items() if name in SCORES}
    both = {key: value for key, (name, value) in named.items() if name in SCORES + ERRORS}
    nothing = [key for key, value in scores.items() if value == -1]
    zero = [key for key, value in scores.items() if value == 0 and trained]
    undefined = [key for key, value in both.items() if isnan(value)]
    hints = []
    if nothing:
        hints.append(
            f'{_are(nothing)} -1: the annotations have no instance that counts; look at their '
            'category_id, iscrowd and num_keypoints.'
        )
    if zero:
        hints.append(
            f'{_are(zero)} 0: no prediction is near its annotation; look for a checkpoint of '
            'another model, boxes of other pictures, or coordinates in another frame.'
        )
    if undefined:
        hints.append(
            f'{_are(undefined)} not a number: there is nothing to average, or a prediction is not '
            'finite; look at the visible keypoints and at the weights.'
        )
    return hints


def missing_results(prefixes: Iterable[str], metrics: dict[str, float]) -> list[str]:
    """Returns a hint about the datasets for which an evaluator returns no number."""
    missing = [p for p in prefixes if not any(key.startswith(f'{p}/') for key in metrics)]
    return [f'There is no result for {", ".join(missing)}: look at its metric.'] if missing else []


class Places:
    """The positions of predicted keypoints in their crops, for one dataset."""

    def __init__(self) -> None:
        self.number = 0  # of instances
        self.widest = 0.0  # the largest extent of an instance, as a part of its crop
        self.low, self.high = np.inf, -np.inf  # of every keypoint, (K, 2)

    def add(self, keypoints: np.ndarray, center: np.ndarray, scale: np.ndarray) -> None:
        """Notes the predictions for a crop.

        Args:
            keypoints: Pixels of the picture, (N, K, 2).
            center: Centre of the crop, x and y in pixels.
            scale: Width and height of the crop in pixels.
        """
        if keypoints.shape[0] == 0 or keypoints.shape[1] < 2:  # one keypoint can always be central
            return
        places = (keypoints - center) / scale
        self.number += len(places)
        self.widest = np.maximum(self.widest, np.ptp(places, axis=1).max())  # NaN stays
        self.low = np.minimum(self.low, places.min(axis=0))
        self.high = np.maximum(self.high, places.max(axis=0))

    def hints(self, name: str) -> list[str]:
        """Returns a hint if all keypoints are at one point, or the same in every crop."""
        if self.number and self.widest < CELL:
            what = 'all keypoints of every instance at one point'
        elif self.number > FEW and np.max(self.high - self.low) < CELL:
            what = 'the same keypoints in every crop'
        else:
            return []
        return [
            f'The predictions for {name} have {what}, independent of the pictures: look at the '
            'weights, at the mean and std of the pictures, and at the learning rate.'
        ]


def idle_hint(name: str, samples: int, infos: Iterable[dict]) -> str | None:
    """Returns a hint if a dataset adds nothing to a training.

    Args:
        name: The name of the dataset.
        samples: The number of its samples in an epoch, or in a batch.
        infos: The data of each sample, with ``keypoints_visible``. They are read up to the first
            sample with a labelled keypoint.
    """
    if samples == 0:
        return f'The training takes no sample of {name}: look at its ratio and indices.'
    if not any(np.any(np.asarray(info.get('keypoints_visible', 1)) > 0) for info in infos):
        return (
            f'The training learns nothing from {name}: no keypoint of it has a visibility above '
            '0; look at its annotations.'
        )
    return None


def _are(keys: list[str]) -> str:
    return f'{", ".join(keys)} {"is" if len(keys) == 1 else "are"}'
