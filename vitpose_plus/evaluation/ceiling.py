"""What a model would score that predicts its targets exactly, in the crops of the test.

Plain targets are rounded to whole heatmap pixels, so decoding them loses a little. A model that has
seen a keypoint in many crops can average the rounding out and score more.
"""

from collections.abc import Callable
from copy import deepcopy

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import EVALUATORS
from mmpose.structures import PoseDataSample

from vitpose_plus.shipped import build_on_meta


@torch.no_grad()
def decoding_ceiling(cfg: Config) -> dict[str, float]:
    """The test metrics that the encoded ground truth itself decodes to, in the true boxes.

    Args:
        cfg: A multi-dataset config; its decoders, test datasets and metrics are used.
    """
    model = build_on_meta(cfg.model)  # its decoders are wanted, not its weights
    loader_cfg = deepcopy(cfg.test_dataloader)
    codecs = {entry['dataset']: entry['codec'] for entry in cfg.model.head.heads}
    for name, part in zip(codecs, loader_cfg.dataset.datasets, strict=True):
        part.pop('bbox_file', None)
        part.pipeline.insert(-1, dict(type='GenerateTarget', encoder=codecs[name]))

    def decode(sample: PoseDataSample) -> InstanceData:
        return model.head.heads[sample.dataset_name].decode(sample.gt_fields.heatmaps[None])[0]

    return score_of(decode, model, loader_cfg, EVALUATORS.build(cfg.test_evaluator))


def score_of(
    decode: Callable[[PoseDataSample], InstanceData],
    model: BasePoseEstimator,
    loader_cfg: dict,
    evaluator: Evaluator,
) -> dict[str, float]:
    """The metrics of what each sample decodes to."""
    loader = Runner.build_dataloader(loader_cfg)
    evaluator.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        samples = batch['data_samples']
        decoded = [decode(sample) for sample in samples]
        evaluator.process(model.add_pred_to_datasample(decoded, None, samples), batch)
    return evaluator.evaluate(len(loader.dataset))


def headlines(metrics: dict[str, float]) -> dict[str, float]:
    """The one number of each dataset: AP, or PCKh (in percent) for MPII."""
    return {
        key.split('/')[0]: float(value)
        for key, value in metrics.items()
        if key.split('/')[1] in ('AP', 'PCK')
    }
