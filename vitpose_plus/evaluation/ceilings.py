"""The scores of a model that predicts its targets exactly, in the crops or pictures of the test.

Plain targets are rounded to whole heatmap pixels, so decoding them loses a little. A model that was
trained on a keypoint in many crops can average out the rounding and get a higher score.

Shapes: K keypoints, h w heatmap, P people with tags.
"""

from collections.abc import Callable
from copy import deepcopy
from numbers import Real

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import EVALUATORS, KEYPOINT_CODECS
from mmpose.structures import PoseDataSample
from torch import Tensor

from vitpose_plus.experiments.topdown import STRIDE
from vitpose_plus.models.building import build_on_meta

HEADLINES = ('AP', 'PCK')
MAIN = ('EPE', *HEADLINES)


@torch.no_grad()
def decoding_ceiling(cfg: Config) -> dict[str, float]:
    """Returns the test metrics of the ground truth, encoded and decoded, in the true boxes.

    Args:
        cfg: A multi-dataset config; its decoders, test datasets and metrics are used.
    """
    model = build_on_meta(cfg.model)  # only its decoders are used, not its weights
    loader_cfg = deepcopy(cfg.test_dataloader)
    codecs = {entry['dataset']: entry['codec'] for entry in cfg.model.head.heads}
    for name, part in zip(codecs, loader_cfg.dataset.datasets, strict=True):
        part.pop('bbox_file', None)
        part.pipeline.insert(-1, dict(type='GenerateTarget', encoder=codecs[name]))

    def decode(sample: PoseDataSample) -> InstanceData:
        return model.head.decoders[sample.dataset_name].decode(sample.gt_fields.heatmaps[None])[0]

    return score_of(decode, model, loader_cfg, EVALUATORS.build(cfg.test_evaluator))


@torch.no_grad()
def grouping_ceiling(cfg: Config) -> dict[str, float]:
    """Returns the test metrics of the ground truth, encoded with exact tags and decoded.

    Args:
        cfg: A bottom-up config; its codec, test dataset and metric are used.
    """
    model = build_on_meta(cfg.model)  # only its decoding is used, not its weights

    def decode(sample: PoseDataSample) -> InstanceData:
        return model.head.decode(perfect(cfg.model.head, sample))[0]

    evaluator = Evaluator(deepcopy(cfg.test_evaluator))
    return score_of(decode, model, deepcopy(cfg.test_dataloader), evaluator)


def perfect(head: dict, sample: PoseDataSample) -> tuple[Tensor, Tensor]:
    """Returns the target heatmaps and tags of a test picture, each (1, K, h, w)."""
    w, h = sample.input_size
    people = sample.gt_instances
    if 'keypoints' not in people:  # nobody is annotated
        empty = torch.zeros(1, head['num_keypoints'], h // STRIDE, w // STRIDE)
        return empty, empty
    size = dict(input_size=(w, h), heatmap_size=(w // STRIDE, h // STRIDE))
    codec = KEYPOINT_CODECS.build(dict(head['decoder'], **size))
    corner = sample.input_center - 0.5 * sample.input_scale
    points = (people.keypoints - corner) / sample.input_scale * (w, h)
    encoded = codec.encode(points.astype(np.float32), people.keypoints_visible)
    heatmaps = torch.from_numpy(encoded['heatmaps'])[None]
    return heatmaps, perfect_tags(torch.from_numpy(encoded['keypoint_indices']), heatmaps.shape)


def perfect_tags(keypoint_indices: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(P, K, 2) -> tags of ``shape`` (1, K, h, w): at each keypoint twice its person's number."""
    place, visible = keypoint_indices.unbind(-1)
    tags = torch.zeros(shape).flatten(2)[0]  # (K, h * w)
    for number, (places, seen) in enumerate(zip(place, visible, strict=True)):
        rows = seen.nonzero()[:, 0]
        tags[rows, places[rows]] = 2.0 * number
    return tags.view(shape)


def score_of(
    decode: Callable[[PoseDataSample], InstanceData],
    model: BasePoseEstimator,
    loader_cfg: dict,
    evaluator: Evaluator,
) -> dict[str, float]:
    """Returns the metrics of the predictions that ``decode`` makes from each sample."""
    loader = Runner.build_dataloader(loader_cfg)
    evaluator.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        samples = batch['data_samples']
        decoded = [decode(sample) for sample in samples]
        evaluator.process(model.add_pred_to_datasample(decoded, None, samples), batch)
    return evaluator.evaluate(len(loader.dataset))


def headlines(metrics: dict[str, float]) -> dict[str, float]:
    """Returns the main metric of each dataset: AP, or PCKh (in percent) for MPII."""
    named = {tuple(key.rsplit('/', 1)): float(value) for key, value in metrics.items()}
    return {name: value for (name, metric), value in named.items() if metric in HEADLINES}


def main_metrics(metrics: dict[str, float]) -> dict[str, float]:
    """Returns the metrics of ``headlines`` with their names, and the error in pixels (EPE).

    Without any, it returns the first number, which selects the best checkpoint.
    """
    numbers = {key: float(value) for key, value in metrics.items() if isinstance(value, Real)}
    main = {key: value for key, value in numbers.items() if key.rsplit('/', 1)[-1] in MAIN}
    return main or dict(list(numbers.items())[:1])
