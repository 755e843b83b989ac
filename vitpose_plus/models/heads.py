"""The heads of models for several datasets: one module with a decoder for each dataset.

Shapes: B batch, C channels, H W feature map, K keypoints of a dataset, h w its heatmaps.
A dataset's position in the list of heads is the number of its expert. Elsewhere its name is used.
"""

from collections.abc import Iterator

import torch
from mmengine.model import ModuleDict
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.errors import UserError
from vitpose_plus.models.dataset_names import keep_in_state_dict, module_name

Features = tuple[Tensor, ...]


@MODELS.register_module()
class MultiDatasetHead(BaseHead):
    """A decoder for each dataset, which runs only on the samples of this dataset.

    Args:
        head: Config of the decoder that all datasets share (mmpose's ``HeatmapHead``).
        heads: The settings of each dataset, in the order of the experts: ``dataset`` (its name),
            ``num_keypoints``, ``codec``, and ``test_cfg`` (its own settings for testing).
    """

    def __init__(self, head: dict, heads: list[dict], init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.names = [entry['dataset'] for entry in heads]
        if len(set(self.names)) < len(self.names):
            raise UserError(f'A dataset appears twice among the heads: {", ".join(self.names)}.')
        if '' in self.names:
            raise UserError('A dataset among the heads has an empty name: give it one.')
        self.dataset_test_cfg = {e['dataset']: e.get('test_cfg', {}) for e in heads}
        self.heads = ModuleDict(
            {
                module_name(e['dataset']): MODELS.build(
                    dict(head, out_channels=e['num_keypoints'], decoder=e['codec'])
                )
                for e in heads
            }
        )
        keep_in_state_dict(self)

    @property
    def decoders(self) -> dict[str, nn.Module]:
        """Name of a dataset -> its decoder, in the order of the experts."""
        return {name: self.heads[module_name(name)] for name in self.names}

    def dataset_index(self, data_samples: list[PoseDataSample]) -> Tensor:
        """The number of each sample's expert, (B,) on the CPU; ``UserError`` if there is none."""
        index = [self._index(sample.dataset_name) for sample in data_samples]
        return torch.tensor(index, dtype=torch.int64, device='cpu')

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise UserError(
                f'The model has no head for the dataset {name!r}: it has {", ".join(self.names)}.'
            )
        return self.names.index(name)

    def rows(self, data_samples: list[PoseDataSample]) -> Iterator[tuple[str, list[int]]]:
        """Yields the name of every dataset, and the rows of its samples in the batch."""
        index = self.dataset_index(data_samples).tolist()
        for number, name in enumerate(self.names):
            yield name, [row for row, i in enumerate(index) if i == number]

    def predicted_for(self, rows: list[int], heatmaps: Tensor) -> Tensor:
        """Selects the rows of a dataset from the heatmaps that its decoder predicts in ``loss``."""
        return heatmaps  # ``loss`` predicts only these rows

    def forward(self, feats: Features, data_samples: list[PoseDataSample]) -> list[Tensor]:
        """Heatmaps (K, h, w) of each sample's own dataset, in the order of the batch."""
        heatmaps = [None] * len(data_samples)
        decoders = self.decoders
        for name, rows in self.rows(data_samples):
            if rows:
                maps = decoders[name](_part(feats, rows))
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

        The sum is then the authors' loss: a mean over the whole batch, where a decoder counts only
        its own samples. If a dataset is missing from the batch, loss and gradients are zero, not
        None: the optimiser works as in the authors' code, and DDP finds no unused parameter.
        """
        losses, decoders = {}, self.decoders
        for name, rows in self.rows(batch_data_samples):
            head = decoders[name]
            if not rows:
                losses[f'{name}.loss_kpt'] = sum(p.sum() for p in head.parameters()) * 0.0
                continue
            samples = [batch_data_samples[row] for row in rows]
            for key, value in head.loss(_part(feats, rows), samples, train_cfg or {}).items():
                share = len(rows) / len(batch_data_samples) if is_loss(key) else 1.0
                losses[f'{name}.{key}'] = value * share
        return losses

    def predict(
        self,
        feats: Features | list[Features],
        batch_data_samples: list[PoseDataSample],
        test_cfg: dict | None = None,
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """Predicts with each dataset's flip pairs, codec and settings; keeps the batch order."""
        test_cfg = dict(test_cfg or {})
        results, decoders = [None] * len(batch_data_samples), self.decoders
        for name, rows in self.rows(batch_data_samples):
            if not rows:
                continue
            settings = test_cfg | self.dataset_test_cfg[name]
            predicted = decoders[name].predict(
                _views_of(feats, rows, test_cfg, settings),
                [batch_data_samples[row] for row in rows],
                settings,
            )
            if isinstance(predicted, tuple):  # with heatmaps
                predicted = list(zip(*predicted, strict=True))
            for row, result in zip(rows, predicted, strict=True):
                results[row] = result
        with_heatmaps = results and isinstance(results[0], tuple)
        return tuple(map(list, zip(*results, strict=True))) if with_heatmaps else results


@MODELS.register_module()
class WholeBatchMultiDatasetHead(MultiDatasetHead):
    """A head whose decoders all run on the whole batch in training, as in the authors' code.

    Each batch norm then uses the statistics of all samples, even if its own dataset is missing. The
    loss still counts only the samples of the decoder's dataset. The cost is one pass per decoder.
    """

    def __init__(self, head: dict, heads: list[dict], init_cfg: dict | None = None) -> None:
        super().__init__(head, heads, init_cfg)
        self._ignored_samples: dict[tuple, PoseDataSample] = {}

    def predicted_for(self, rows: list[int], heatmaps: Tensor) -> Tensor:
        return _part((heatmaps,), rows)[0]

    def loss(
        self,
        feats: Features,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """As in the base class; but a missing dataset has an accuracy too, which is zero."""
        if not batch_data_samples:
            return super().loss(feats, batch_data_samples, train_cfg)
        losses, decoders = {}, self.decoders
        for name, rows in self.rows(batch_data_samples):
            head = decoders[name]
            like = batch_data_samples[0].gt_fields.heatmaps
            samples = [self._ignored_sample(like, head.out_channels)] * len(batch_data_samples)
            for row in rows:
                samples[row] = batch_data_samples[row]
            own = head.loss(feats, samples, train_cfg or {})
            losses |= {f'{name}.{key}': value for key, value in own.items()}
        return losses

    def _ignored_sample(self, like: Tensor, num_keypoints: int) -> PoseDataSample:
        """A sample that the loss ignores: heatmaps and weights are zero. It is created once.

        Args:
            like: Heatmaps (any K, h, w) with the size, dtype and device of the sample.
            num_keypoints: Number of keypoints of the decoder.
        """
        key = (num_keypoints, *like.shape[-2:], like.dtype, like.device)
        if key not in self._ignored_samples:
            with torch.inference_mode(False):  # a training may come after a test
                ignored = PoseDataSample()
                heatmaps = like.new_zeros(num_keypoints, *like.shape[-2:])
                weights = like.new_zeros(1, num_keypoints)
            ignored.gt_fields = PixelData(heatmaps=heatmaps)
            ignored.gt_instance_labels = InstanceData(keypoint_weights=weights)
            self._ignored_samples[key] = ignored
        return self._ignored_samples[key]


def _views_of(
    feats: Features | list[Features], rows: list[int], given: dict, own: dict
) -> Features | list[Features]:
    """The features of some rows. A dataset without the flip test uses the crops alone.

    Args:
        feats: The features of the crops; with ``flip_test`` in ``given`` also those of the mirrored
            crops.
        rows: The rows of a dataset.
        given: The settings of the model for testing.
        own: Those with the changes of the dataset.
    """
    if not given.get('flip_test'):
        return _part(feats, rows)
    views = [_part(view, rows) for view in feats]
    return views if own.get('flip_test') else views[0]


def is_loss(key: str) -> bool:
    """Whether a result of ``loss`` is minimised: "loss" is in its name after the dataset's name."""
    return 'loss' in key.rsplit('.', 1)[-1]


def _part(feats: Features, rows: list[int]) -> Features:
    """The given rows of a batch, in ascending order; a view, not a copy, if they are adjacent."""
    adjacent = rows and rows[-1] - rows[0] + 1 == len(rows)
    part = slice(rows[0], rows[-1] + 1) if adjacent else rows
    return tuple(feat[part] for feat in feats)
