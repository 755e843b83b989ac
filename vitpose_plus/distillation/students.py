"""Distillation (ViTPose, section 3.4): a student is the estimator itself, told by a teacher.

So its names, layer-wise decay, checkpoints and commands are those of any ViTPose.

Shapes: B batch, K keypoints of a dataset, h w heatmaps.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.errors import UserError
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

Losses = dict[str, Tensor]


class Distilled:
    """Learns from the ground truth and, as it is configured, from a teacher's heatmaps and token.

    The teacher is no module of the student's: it is in neither its state dict nor its parameters,
    but goes along to another device. Our reading of what the paper leaves open: in the combined
    loss (eq. 6) the teacher runs without its token, and all of its heatmaps count, those of
    keypoints without a ground truth, too.

    Args:
        estimator: As of the plain estimator.
        teacher: Config of a ``Teacher``; none, no output loss.
        token: Config of a ``KnowledgeToken``; none, no token.
        output_loss: Config of the loss between heatmaps, by default their mean squared difference
            with a weight of 1, as the paper's; another with ``KeypointMSELoss``'s ``loss_weight``.

    Attributes:
        deployed_type: The estimator that is left when training has ended.
        training_only: The arguments of its config that are needed in training only.
    """

    deployed_type: type[nn.Module]
    training_only = ('teacher', 'token', 'output_loss')
    teacher = None

    def __init__(
        self,
        *estimator,
        teacher: dict | None = None,
        token: dict | None = None,
        output_loss: dict | None = None,
        **more,
    ) -> None:
        super().__init__(*estimator, **more)
        if teacher:
            self.teacher = MODELS.build(teacher)
        self.output_loss = MODELS.build(output_loss or dict(type='KeypointMSELoss'))
        if token:
            token = MODELS.build(token)
            if teacher:
                token.check_teacher(self.teacher.name, self.teacher.sha256)
            token.give_to(self.backbone)

    def _apply(self, fn, *args, **kwargs) -> nn.Module:
        if self.teacher is not None:
            self.teacher.apply(fn)
        return super()._apply(fn, *args, **kwargs)

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> Losses:
        """The plain estimator's losses, and with a teacher those of its heatmaps."""
        if self.teacher is None:
            return super().loss(inputs, data_samples)
        taught = self.teacher(inputs, data_samples)
        with recorded(self.decoders()) as predicted:
            losses = super().loss(inputs, data_samples)
        return losses | self.output_losses(predicted, taught, data_samples)

    def decoders(self) -> Mapping[str, nn.Module]:
        """Heads that predict heatmaps."""
        raise NotImplementedError

    def output_losses(
        self,
        predicted: dict[str, Tensor],
        taught: list[Tensor],
        data_samples: list[PoseDataSample],
    ) -> Losses:
        """The losses between predicted heatmaps (B, K, h, w) and a teacher's (K, h, w)."""
        raise NotImplementedError

    def compare(self, predicted: Tensor, taught: list[Tensor]) -> Tensor:
        """The loss between heatmaps of the same samples, in full precision."""
        target = torch.stack(taught).float()
        if predicted.shape != target.shape:
            sizes = ('x'.join(map(str, maps.shape[1:])) for maps in (predicted, target))
            raise UserError(
                "The student's heatmaps are {} (keypoints, height, width), the teacher's {}: give "
                'a teacher for the same keypoints and input.'.format(*sizes)
            )
        return self.output_loss(predicted.float(), target)


@MODELS.register_module()
class DistilledTopdown(Distilled, TopdownPoseEstimator):
    """A plain student; its teacher may be plain, too, or a ViTPose+ that knows its dataset."""

    deployed_type = TopdownPoseEstimator

    def decoders(self) -> Mapping[str, nn.Module]:
        return dict(all=self.head)

    def output_losses(
        self,
        predicted: dict[str, Tensor],
        taught: list[Tensor],
        data_samples: list[PoseDataSample],
    ) -> Losses:
        return dict(loss_output=self.compare(predicted['all'], taught))


@MODELS.register_module()
class DistilledMultiDatasetTopdown(Distilled, MultiDatasetTopdown):
    """A student of several datasets, all of which its teacher must know by their names."""

    deployed_type = MultiDatasetTopdown

    def __init__(self, *estimator, **more) -> None:
        super().__init__(*estimator, **more)
        if self.teacher is not None:
            sizes = {name: head.out_channels for name, head in self.head.decoders.items()}
            self.teacher.check_datasets(sizes)

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> Losses:
        inputs, data_samples, _ = self._sort(inputs, data_samples)  # as the heads will see them
        return super().loss(inputs, data_samples)

    def decoders(self) -> Mapping[str, nn.Module]:
        return self.head.decoders

    def output_losses(
        self,
        predicted: dict[str, Tensor],
        taught: list[Tensor],
        data_samples: list[PoseDataSample],
    ) -> Losses:
        """``{dataset}.loss_output``, weighted as the ground truth's by its share of the batch."""
        losses = {}
        for name, rows in self.head.rows(data_samples):
            value = taught[0].new_zeros(())
            if rows:
                own = self.head.predicted_for(rows, predicted[name])
                share = len(rows) / len(data_samples)
                value = self.compare(own, [taught[row] for row in rows]) * share
            losses[f'{name}.loss_output'] = value
        return losses


@contextmanager
def recorded(decoders: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What the final layers of mmpose's heads put out meanwhile, by the names of the heads."""
    predicted = {}

    def keep(name: str):
        return lambda layer, args, heatmaps: predicted.__setitem__(name, heatmaps)

    hooks = [d.final_layer.register_forward_hook(keep(name)) for name, d in decoders.items()]
    try:
        yield predicted
    finally:
        for hook in hooks:
            hook.remove()
