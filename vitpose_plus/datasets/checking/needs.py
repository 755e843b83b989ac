"""The fields of annotations that a loader and its metrics read, besides boxes and keypoints."""

from dataclasses import dataclass

from mmengine.dataset import BaseDataset
from mmpose.evaluation.metrics import CocoMetric, PoseTrack18Metric
from mmpose.registry import METRICS


@dataclass(frozen=True)
class Needs:
    """Flags: which fields of the annotations are read.

    Args:
        coco_metric: ``bbox`` and ``keypoints`` of every annotation, and ``categories``.
        area: ``area`` of annotations.
        crowding: ``crowdIndex`` of images and ``num_keypoints`` of annotations.
        whole_pictures: ``segmentation`` of annotations, and every picture of a test.
    """

    coco_metric: bool = False
    area: bool = False
    crowding: bool = False
    whole_pictures: bool = False


def needs_of(dataset: BaseDataset, evaluator: dict | list | None) -> Needs:
    """The needs of a dataset; ``evaluator`` is the config of its evaluator, None in training."""
    metrics = coco_metrics(evaluator, dataset.metainfo['dataset_name'])
    # PoseTrack's metric reads its own files.
    metrics = [metric for metric in metrics if not issubclass(_kind(metric), PoseTrack18Metric)]
    return Needs(
        coco_metric=bool(metrics),
        area=any(metric.get('use_area', True) for metric in metrics),
        crowding=any(metric.get('iou_type') == 'keypoints_crowd' for metric in metrics),
        whole_pictures=getattr(dataset, 'data_mode', None) == 'bottomup',
    )


def coco_metrics(evaluator: dict | list | None, name: str) -> list[dict]:
    """The configs of a dataset's metrics that are ``CocoMetric`` or extend it. A metric without
    the name of a dataset counts for all datasets."""
    if isinstance(evaluator, dict):
        evaluator = evaluator.get('metrics', [evaluator])
    given = [metric for metric in evaluator or [] if isinstance(metric, dict)]
    own = [metric for metric in given if metric.get('dataset', name) == name]
    # mmpose's metric of parts of the keypoints contains another metric.
    return [inner for metric in own if _is_coco(inner := metric.get('metric', metric))]


def _is_coco(metric: object) -> bool:
    kind = _kind(metric)
    return isinstance(kind, type) and issubclass(kind, CocoMetric)


def _kind(metric: object) -> type | None:
    kind = metric.get('type') if isinstance(metric, dict) else None
    return METRICS.get(kind) if isinstance(kind, str) else kind
