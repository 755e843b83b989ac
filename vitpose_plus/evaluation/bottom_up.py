"""What a bottom-up model would score that predicts its targets exactly.

Shapes: K keypoints, h w heatmap, P people with tags.
"""

from copy import deepcopy

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.registry import KEYPOINT_CODECS
from mmpose.structures import PoseDataSample
from torch import Tensor

from vitpose_plus.evaluation.ceiling import score_of
from vitpose_plus.experiment import STRIDE
from vitpose_plus.shipped import build_on_meta


@torch.no_grad()
def grouping_ceiling(cfg: Config) -> dict[str, float]:
    """The test metrics that encoded people and flawless tags decode to.

    Args:
        cfg: A bottom-up config; its codec, test dataset and metric are used.
    """
    model = build_on_meta(cfg.model)  # its decoding is wanted, not its weights

    def decode(sample: PoseDataSample) -> InstanceData:
        return model.head.decode(perfect(cfg.model.head, sample))[0]

    evaluator = Evaluator(deepcopy(cfg.test_evaluator))
    return score_of(decode, model, deepcopy(cfg.test_dataloader), evaluator)


def perfect(head: dict, sample: PoseDataSample) -> tuple[Tensor, Tensor]:
    """The target heatmaps of a tested picture, (1, K, h, w), and a tag for each of its people."""
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
    """(P, K, 2) -> tags of ``shape`` (1, K, h, w): a person's number wherever a keypoint is."""
    place, visible = keypoint_indices.unbind(-1)
    tags = torch.zeros(shape).flatten(2)[0]  # (K, h * w)
    for number, (places, seen) in enumerate(zip(place, visible, strict=True)):
        rows = seen.nonzero()[:, 0]
        tags[rows, places[rows]] = 2.0 * number
    return tags.view(shape)
