"""The pose estimator of a model for several datasets.

Shapes: B batch, K keypoints of a dataset, h w heatmaps.
"""

from collections import OrderedDict
from functools import partial

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor
from torch.utils._pytree import tree_map_only

from vitpose_plus.models.heads import Features, is_loss


class OneBatchTopdown(TopdownPoseEstimator):
    """mmpose's top-down estimator; crops and mirrored crops of a flip test are one batch."""

    def predict(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Adds ``pred_instances`` to the samples."""
        return self._predict(self._views(inputs), data_samples)

    def _views(self, inputs: Tensor, *dataset_index: Tensor) -> Features | list[Features]:
        """The features of the crops; in a flip test also those of the mirrored crops."""
        if not self.test_cfg.get('flip_test', False):
            return self.extract_feat(inputs, *dataset_index)
        twice = [index.repeat(2) for index in dataset_index]
        both = self.extract_feat(torch.cat([inputs, inputs.flip(-1)]), *twice)
        return [tree_map_only(Tensor, partial(_half, number), both) for number in (0, 1)]

    def _predict(
        self, feats: Features | list[Features], data_samples: list[PoseDataSample]
    ) -> list[PoseDataSample]:
        preds = self.head.predict(feats, data_samples, self.test_cfg)
        instances, fields = preds if isinstance(preds, tuple) else (preds, None)
        return self.add_pred_to_datasample(instances, fields, data_samples)


def _half(number: int, feat: Tensor) -> Tensor:
    """(2 * B, ...) -> the first or the second B rows."""
    return feat.tensor_split(2)[number]


@MODELS.register_module()
class MultiDatasetTopdown(OneBatchTopdown):
    """ViTPose+: mmpose's top-down estimator; its backbone also gets each sample's dataset."""

    def extract_feat(self, inputs: Tensor, dataset_index: Tensor) -> Features:
        """(B, 3, height, width) and (B,) -> feature maps."""
        feats = self.backbone(inputs, dataset_index)
        return self.neck(feats) if self.with_neck else feats

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> dict[str, Tensor]:
        inputs, data_samples, index = self._sort(inputs, data_samples)
        return self.head.loss(self.extract_feat(inputs, index), data_samples, self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Adds ``pred_instances`` to the samples; a flip test is one batch of double size."""
        inputs, ordered, index = self._sort(inputs, data_samples)
        self._predict(self._views(inputs, index), ordered)
        return data_samples

    def _sort(
        self, inputs: Tensor, data_samples: list[PoseDataSample]
    ) -> tuple[Tensor, list[PoseDataSample], Tensor]:
        """Sorts the batch by dataset, so that each expert works on one slice."""
        index = self.head.dataset_index(data_samples)
        order = index.argsort(stable=True)
        return inputs[order], [data_samples[i] for i in order.tolist()], index[order]

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum of the losses, and all values for the log.

        mmengine adds up every key that contains "loss". For a dataset with "loss" in its name it
        would also add the accuracy.
        """
        counted = {key: value for key, value in losses.items() if is_loss(key)}
        total, log = super().parse_losses(counted)
        others = {key: value for key, value in losses.items() if key not in counted}
        log = super().parse_losses(others)[1] | log
        return total, OrderedDict(loss=total, **{key: log[key] for key in losses})

    def _forward(
        self, inputs: Tensor, data_samples: list[PoseDataSample] | None = None
    ) -> list[Tensor]:
        """Heatmaps (K, h, w) of each sample, in the order of the batch."""
        if data_samples is None:
            raise ValueError(
                "A multi-dataset model needs each sample's dataset: call it with data "
                "samples and mode 'loss' or 'predict'."
            )
        feats = self.extract_feat(inputs, self.head.dataset_index(data_samples))
        return self.head(feats, data_samples)
