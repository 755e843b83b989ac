"""mmpose's own ways: ``inference_topdown`` and the decoding of ``UDPHeatmap``."""

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmpose.apis import inference_topdown
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.decoding import KEYPOINT_COUNTS, codec_of, gaussians, one_by_one
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.subjects import Subject
from vitpose_plus.benchmarking.ways import Role, Way

# Our codecs and transforms -> mmpose's, which compute the same.
ORIGINAL = dict(
    BatchedUDPHeatmap='UDPHeatmap',
    BorderExactUDPHeatmap='UDPHeatmap',
    BatchedMSRAHeatmap='MSRAHeatmap',
    LoadImageOnce='LoadImage',
)


class InferenceTopdown(Contender):
    """``inference_topdown`` of mmpose, with the plain model of one dataset, without a flip test."""

    title = 'mmpose, inference_topdown'
    whole_precisions = ('fp32',)  # as it comes

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        pictures = plan.written_pictures
        run = partial(_predict, original_model(plan.subject), pictures.boxes)
        yield plan.forward_way(self.title, precision, run, pictures.people, role=Role.OTHER)


class MmposeDecoding(Contender):
    """The decoding of mmpose's ``UDPHeatmap``, as mmpose's heads call it: each sample alone."""

    title = 'mmpose, UDPHeatmap'

    def decode(self, plan: Plan) -> Iterator[Way]:
        for keypoints in KEYPOINT_COUNTS:
            heatmaps = gaussians(keypoints, plan.device)
            run = partial(one_by_one, codec_of('UDPHeatmap'), heatmaps)
            group = f'{keypoints} keypoints'
            name = f'{self.title}, {group}'
            yield Way(name, 'fp32', run, len(heatmaps), role=Role.OTHER, group=group)


def original_model(subject: Subject) -> nn.Module:
    """The plain model of the first dataset as mmpose builds it, with mmpose's decoding."""
    plain = subject.plain
    cfg = deepcopy(plain.network.cfg)
    decoder = cfg.model.head.decoder
    decoder.type = ORIGINAL.get(decoder.type, decoder.type)
    cfg.model.test_cfg.flip_test = False
    pipeline = deepcopy(cfg.test_dataloader.dataset.pipeline)
    for step in pipeline:
        step.type = ORIGINAL.get(step.type, step.type)
    model = MODELS.build(cfg.model).to(subject.device).eval()
    # inference_topdown reads nothing else of the config.
    model.cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    model.load_state_dict(plain.network.state_dict())
    model.dataset_meta = plain.metainfo[subject.dataset]
    return model


def _predict(model: nn.Module, boxes: dict[Path, np.ndarray]) -> None:
    for path, own in boxes.items():
        inference_topdown(model, str(path), own)
