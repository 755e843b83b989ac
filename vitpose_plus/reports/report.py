"""The content of a report: everything that its two files show.

Shapes: N instances, K keypoints.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.evaluation.pixel_errors import PixelErrors, pixel_errors
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.reports.history import History, read_history
from vitpose_plus.reports.labels import LabelledInstances, read_labels
from vitpose_plus.reports.looks import Look, look_of

MOST = 100  # pictures of the training set that are predicted


@dataclass(frozen=True)
class Split:
    """Labelled instances with their predictions.

    Attributes:
        labels: The labels.
        keypoints: The predicted x, y (N, K, 2) in pixels of the picture.
        errors: The errors of the predictions.
    """

    labels: LabelledInstances
    keypoints: np.ndarray
    errors: PixelErrors

    @classmethod
    def of(cls, labels: LabelledInstances, keypoints: np.ndarray) -> 'Split':
        return cls(labels, keypoints, pixel_errors(keypoints, labels.points, labels.boxes))

    def worst(self, most: int) -> list[int]:
        """Returns the rows with the largest mean errors, the worst one first."""
        means = self.errors.per_instance()
        order = np.argsort(-np.nan_to_num(means, nan=-1), kind='stable')
        return [int(row) for row in order[:most] if np.isfinite(means[row])]


@dataclass(frozen=True)
class Report:
    """The content of a report.

    Attributes:
        work_dir: The training folder.
        cfg: The config of the training.
        checkpoint: The file of the weights.
        parameters: The number of the model's parameters.
        skeleton: The K keypoints.
        look: The way in which the pictures were predicted.
        history: The course of the training.
        labels: All labels of the training set; ``train`` may have only a part of them.
        held_out: The pictures of the validation.
        train: The pictures of the training set, at most ``MOST``.
        first_look: The held-out pictures after the first look; None if there is one look.
    """

    work_dir: Path
    cfg: Config
    checkpoint: Path
    parameters: int
    skeleton: Skeleton
    look: Look
    history: History
    labels: LabelledInstances
    held_out: Split
    train: Split
    first_look: Split | None


def read_report(work_dir: Path) -> Report:
    """Predicts the pictures of a finished training.

    Raises:
        UserError: See ``write_report``.
    """
    history = read_history(work_dir)
    predictor = PosePredictor(work_dir, precision='fp32')
    cfg, skeletons = predictor.model.network.cfg, predictor.skeletons
    if not predictor.estimator.needs_boxes or len(skeletons) != 1:
        raise UserError(
            f'{work_dir} has a model of {len(skeletons)} datasets, or a bottom-up model: a report '
            'needs a top-down model of one dataset.'
        )
    look = look_of(cfg)
    labels = read_labels(cfg.get('train_dataloader'), 'train_dataloader')
    held_out = read_labels(cfg.get('val_dataloader'), 'val_dataloader')
    first = look.predict_first(predictor, held_out)
    some = labels.spread(MOST)
    return Report(
        work_dir=work_dir,
        cfg=cfg,
        checkpoint=predictor.model.checkpoint,
        parameters=sum(each.numel() for each in predictor.model.network.parameters()),
        skeleton=next(iter(skeletons.values())),
        look=look,
        history=history,
        labels=labels,
        held_out=Split.of(held_out, look.predict(predictor, held_out)),
        train=Split.of(some, look.predict(predictor, some)),
        first_look=None if first is None else Split.of(held_out, first),
    )
