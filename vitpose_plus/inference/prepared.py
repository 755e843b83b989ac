"""``prepare``: any model in the form in which it predicts fastest.

Shapes: B crops, K keypoints, h w heatmaps.
"""

from copy import deepcopy
from typing import Any

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.models.pose_estimators.base import BasePoseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.inference.compilers import Compiler, check_compiler, compiler_of, uncompiled
from vitpose_plus.inference.copying import converted, with_parts
from vitpose_plus.inference.fast_backbones import fast_backbone
from vitpose_plus.inference.fast_heads import fast_head
from vitpose_plus.inference.precisions import AUTO, PRECISIONS, precision_of
from vitpose_plus.inference.preprocessing import batched
from vitpose_plus.models.dataset_names import module_name
from vitpose_plus.models.heads import MultiDatasetHead
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown, OneBatchTopdown


class Prepared(nn.Module):
    """Predicts heatmaps from crops. ``prepare`` makes it.

    Args:
        network: An estimator whose parts compute fast. ``predict`` and ``test`` run it.
        precision: The precision in which they compute: ``fp32``, ``bf16`` or ``fp16``.
    """

    def __init__(self, network: BasePoseEstimator, precision: str) -> None:
        super().__init__()
        self.network, self.precision = network, precision

    @torch.inference_mode()
    def forward(self, crops: Tensor, dataset_index: Tensor | None = None) -> Any:
        """Predicts the heatmaps of a model for one dataset.

        Args:
            crops: Normalised crops (B, 3, height, width), float32.
            dataset_index: Not used; the model has one dataset.

        Returns:
            Heatmaps (B, K, h, w), float32. A bottom-up model also returns its tags.
        """
        return self.network.head(self.network.extract_feat(crops))


class PreparedDataset(Prepared):
    """Predicts the heatmaps of one dataset of a model for several.

    Args:
        number: The number of the dataset.
    """

    def __init__(self, network: MultiDatasetTopdown, precision: str, number: int) -> None:
        super().__init__(network, precision)
        self.number = number
        self.decoder = list(network.head.decoders.values())[number]

    @torch.inference_mode()
    def forward(self, crops: Tensor, dataset_index: Tensor | None = None) -> Tensor:
        index = torch.full((len(crops),), self.number, device='cpu')
        return self.decoder(self.network.extract_feat(crops, index))


class PreparedDatasets(Prepared):
    """Predicts the heatmaps of all datasets of a model for several."""

    @torch.inference_mode()
    def forward(self, crops: Tensor, dataset_index: Tensor | None = None) -> Tensor:
        """Predicts the heatmaps of each crop's own dataset.

        Args:
            crops: Normalised crops (B, 3, height, width), float32.
            dataset_index: The number of each crop's dataset (B,), int64, on the CPU.

        Returns:
            Heatmaps (B, K, h, w), float32, where K is the largest number of keypoints of all
            datasets. The maps that a dataset with fewer keypoints does not have are zero.

        Raises:
            UserError: ``dataset_index`` is missing.
        """
        decoders = list(self.network.head.decoders.values())
        if dataset_index is None:
            raise UserError(
                'A model for several datasets needs the number of the dataset of each crop: give '
                'dataset_index, or prepare the model with dataset.'
            )
        feats = self.network.extract_feat(crops, dataset_index)
        most = max(decoder.out_channels for decoder in decoders)
        rows, maps = [], []
        for number in dataset_index.unique().tolist() or [0]:  # a batch may be empty
            own = (dataset_index == number).nonzero()[:, 0].to(crops.device)
            found = decoders[number](tuple(each[own] for each in feats))
            rows.append(own)
            maps.append(F.pad(found, (0, 0, 0, 0, 0, most - found.shape[1])))
        return torch.cat(maps)[torch.cat(rows).argsort()]


def prepare(
    model: BasePoseEstimator,
    dataset: str | None = None,
    precision: str = AUTO,
    compile: bool = False,
) -> Prepared:
    """Returns a model in the form in which it predicts fastest.

    Batch norms are folded into the convolutions of the heads, which run channels-last. The experts
    of a batch with one dataset are folded. The flip test is one batch.

    Args:
        model: A pose estimator with its weights, on its device; for example built by mmpose's
            registry from a config. It does not change, and weights of the same type are shared.
        dataset: The only dataset that is predicted, for a model of several datasets.
        precision: ``fp32``, ``bf16``, ``fp16`` (GPUs only), or ``auto``: bf16 where the device has
            instructions for it, else fp32.
        compile: Whether ``torch.compile`` makes the parts faster. The first batch then takes a
            minute or more.

    Raises:
        UserError: The model does not have the dataset, the device cannot use the precision, or a
            C++ compiler is missing.
    """
    device = next(model.parameters()).device
    precision = precision_of(precision, device)
    if compile:
        check_compiler(device)
    number = None if dataset is None else _number(model, dataset)
    compiler = compiler_of(device) if compile else uncompiled
    network = fast_network(model, PRECISIONS[precision], compiler)
    if not isinstance(network, MultiDatasetTopdown):
        return Prepared(network, precision)
    if number is None:
        return PreparedDatasets(network, precision)
    return PreparedDataset(network, precision, number)


def fast_network(
    model: BasePoseEstimator, dtype: torch.dtype, compiler: Compiler
) -> BasePoseEstimator:
    """Returns the estimator with fast parts; see ``prepare``."""
    backbone = fast_backbone(model.backbone, dtype, compiler)
    others = {
        name: converted(part, torch.float32)
        for name, part in model.named_children()
        if part is not model.backbone
    }
    others['head'] = _head(others['head'], dtype, compiler)
    others['data_preprocessor'] = batched(others['data_preprocessor'])
    network = with_parts(model, backbone=backbone, **others)
    network.test_cfg = deepcopy(model.test_cfg)
    if type(model) is TopdownPoseEstimator:  # a subclass may predict in another way
        network.__class__ = OneBatchTopdown
    network.eval()
    return network


def _head(head: nn.Module, dtype: torch.dtype, compiler: Compiler) -> nn.Module:
    if not isinstance(head, MultiDatasetHead):
        return fast_head(head, dtype, compiler)
    heads = {
        module_name(name): fast_head(each, dtype, compiler) for name, each in head.decoders.items()
    }
    return with_parts(head, heads=with_parts(head.heads, **heads))


def _number(model: BasePoseEstimator, dataset: str) -> int | None:
    names = getattr(model.head, 'names', None)
    if names is None:
        return None  # a model of one dataset
    if dataset not in names:
        raise UserError(
            f'The model does not have the dataset {dataset!r}: give one of {", ".join(names)}.'
        )
    return names.index(dataset)
