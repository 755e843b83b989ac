"""One model, several datasets: the estimator that knows each image's dataset, and its heads.

Shapes: B batch, C channels, H W feature map, D datasets, K keypoints of a dataset.
A dataset's place in the list of heads is its expert; its name is what everybody else uses.
"""

from collections.abc import Iterator

import torch
from mmengine.model import ModuleDict
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor

from vitpose_plus.errors import UserError

Features = tuple[Tensor, ...]


@MODELS.register_module()
class MultiDatasetHead(BaseHead):
    """A decoder per dataset, each fed only with the images of its own dataset.

    Args:
        head: Config of the decoder that all datasets share (mmpose's ``HeatmapHead``).
        heads: What each dataset adds, in the order of the experts: ``dataset`` (its name),
            ``num_keypoints``, ``codec``, and ``test_cfg`` (what differs at test time).
    """

    def __init__(self, head: dict, heads: list[dict], init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.names = [entry['dataset'] for entry in heads]
        if len(set(self.names)) < len(self.names):
            raise UserError(f'A dataset appears twice among the heads: {", ".join(self.names)}.')
        self.dataset_test_cfg = {e['dataset']: e.get('test_cfg', {}) for e in heads}
        self.heads = ModuleDict(
            {
                e['dataset']: MODELS.build(
                    dict(head, out_channels=e['num_keypoints'], decoder=e['codec'])
                )
                for e in heads
            }
        )
        self._register_load_state_dict_pre_hook(self._check_order)

    def dataset_index(self, data_samples: list[PoseDataSample]) -> Tensor:
        """Each sample's expert, (B,) on the CPU; an unknown dataset is a ``UserError``."""
        return torch.tensor([self._index(sample.dataset_name) for sample in data_samples])

    def _index(self, name: str) -> int:
        if name not in self.heads:
            raise UserError(
                f'The model has no head for the dataset {name!r}: it knows {", ".join(self.names)}.'
            )
        return self.names.index(name)

    def _check_order(self, state_dict: dict, prefix: str, *args) -> None:
        """Experts are numbered: a checkpoint with the same heads in another order is refused."""
        start = f'{prefix}heads.'
        saved = list(
            dict.fromkeys(
                key[len(start) :].split('.')[0] for key in state_dict if key.startswith(start)
            )
        )
        if set(saved) == set(self.names) and saved != self.names:
            raise UserError(
                f"The checkpoint's datasets are in the order {', '.join(saved)}, the config's "
                f'are {", ".join(self.names)}: experts would be swapped; list the datasets in '
                f"the checkpoint's order."
            )

    def _rows(self, data_samples: list[PoseDataSample]) -> Iterator[tuple[str, list[int]]]:
        """For every head its dataset's name and the places of its samples in the batch."""
        index = self.dataset_index(data_samples).tolist()
        for number, name in enumerate(self.names):
            yield name, [row for row, i in enumerate(index) if i == number]

    def forward(self, feats: Features, data_samples: list[PoseDataSample]) -> list[Tensor]:
        """Heatmaps (K, h, w) of each sample's own dataset, in the order of the batch."""
        heatmaps = [None] * len(data_samples)
        for name, rows in self._rows(data_samples):
            if rows:
                maps = self.heads[name]([feat[rows] for feat in feats])
                for row, heatmap in zip(rows, maps, strict=True):
                    heatmaps[row] = heatmap
        return heatmaps

    def loss(
        self,
        feats: Features,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """``{dataset}.loss_kpt``, weighted by the dataset's share of the batch.

        So the sum is the authors' loss: a mean over the whole batch in which every head counts
        its own samples only. An absent dataset's loss is zero and so are its gradients, not
        None: the optimiser treats it as officially, and DDP finds no unused parameter.
        """
        losses = {}
        for name, rows in self._rows(batch_data_samples):
            head = self.heads[name]
            if not rows:
                losses[f'{name}.loss_kpt'] = sum(p.sum() for p in head.parameters()) * 0.0
                continue
            samples = [batch_data_samples[row] for row in rows]
            for key, value in head.loss([f[rows] for f in feats], samples, train_cfg or {}).items():
                share = len(rows) / len(batch_data_samples) if 'loss' in key else 1.0
                losses[f'{name}.{key}'] = value * share
        return losses

    def predict(
        self,
        feats: Features | list[Features],
        batch_data_samples: list[PoseDataSample],
        test_cfg: dict | None = None,
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """Each dataset's own flips, decoding and test settings; results in batch order."""
        test_cfg = dict(test_cfg or {})
        results = [None] * len(batch_data_samples)
        for name, rows in self._rows(batch_data_samples):
            if not rows:
                continue
            own = (
                [tuple(f[rows] for f in view) for view in feats]
                if test_cfg.get('flip_test')
                else tuple(f[rows] for f in feats)
            )
            predicted = self.heads[name].predict(
                own,
                [batch_data_samples[row] for row in rows],
                test_cfg | self.dataset_test_cfg[name],
            )
            if isinstance(predicted, tuple):  # with heatmaps
                predicted = list(zip(*predicted, strict=True))
            for row, result in zip(rows, predicted, strict=True):
                results[row] = result
        with_heatmaps = isinstance(results[0], tuple)
        return tuple(map(list, zip(*results, strict=True))) if with_heatmaps else results


@MODELS.register_module()
class MultiDatasetTopdown(TopdownPoseEstimator):
    """ViTPose+: mmpose's top-down estimator with a backbone that is told each image's dataset."""

    def extract_feat(self, inputs: Tensor, dataset_index: Tensor) -> Features:
        """(B, 3, height, width) and (B,) -> feature maps."""
        feats = self.backbone(inputs, dataset_index)
        return self.neck(feats) if self.with_neck else feats

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> dict[str, Tensor]:
        inputs, data_samples, index = self._sort(inputs, data_samples)
        return self.head.loss(self.extract_feat(inputs, index), data_samples, self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Adds ``pred_instances`` to the samples; a flip test is one batch of twice the size."""
        inputs, ordered, index = self._sort(inputs, data_samples)
        if self.test_cfg.get('flip_test', False):
            both = self.extract_feat(torch.cat([inputs, inputs.flip(-1)]), index.repeat(2))
            feats = list(zip(*(feat.chunk(2) for feat in both), strict=True))
        else:
            feats = self.extract_feat(inputs, index)
        preds = self.head.predict(feats, ordered, self.test_cfg)
        instances, fields = preds if isinstance(preds, tuple) else (preds, None)
        self.add_pred_to_datasample(instances, fields, ordered)
        return data_samples

    def _sort(
        self, inputs: Tensor, data_samples: list[PoseDataSample]
    ) -> tuple[Tensor, list[PoseDataSample], Tensor]:
        """The batch with equal datasets side by side, which spares the experts any gathering."""
        index = self.head.dataset_index(data_samples)
        order = index.argsort(stable=True)
        return inputs[order], [data_samples[i] for i in order.tolist()], index[order]

    def _forward(self, inputs: Tensor) -> None:
        raise ValueError(
            "A multi-dataset model must know each image's dataset: call it with data "
            "samples and mode 'loss' or 'predict'."
        )
