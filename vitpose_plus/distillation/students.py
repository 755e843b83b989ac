"""Distillation (ViTPose, section 3.4): a student is an estimator with a teacher.

The names of its weights, its layer-wise decay, checkpoints and commands are those of any ViTPose.

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
    """Learns from the ground truth, and optionally from a teacher's heatmaps and token.

    The teacher is not a module of the student: the student's state dict and parameters do not
    contain it. It only moves to another device with the student. Our reading of open points in the
    paper: in the combined loss (eq. 6) the teacher runs without its token. All of its heatmaps
    count, also those of keypoints without a ground truth.

    Args:
        estimator: The arguments of the plain estimator.
        teacher: Config of a ``Teacher``. Without it there is no output loss.
        token: Config of a ``KnowledgeToken``. Without it there is no token.
        output_loss: Config of the loss between heatmaps. The default is the paper's loss: the mean
            squared difference with a weight of 1. ``KeypointMSELoss`` has a ``loss_weight``.

    Attributes:
        deployed_type: The estimator that remains after the training.
        training_only: The arguments of the config that are needed in training only.
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
        """The losses of the plain estimator, and with a teacher also those of its heatmaps."""
        if self.teacher is None:
            return super().loss(inputs, data_samples)
        taught = self.teacher(inputs, data_samples)
        with recorded(self.decoders()) as predicted:
            losses = super().loss(inputs, data_samples)
        return losses | self.output_losses(predicted, taught, data_samples)

    def decoders(self) -> Mapping[str, nn.Module]:
        """The heads that predict heatmaps, by name."""
        raise NotImplementedError

    def output_losses(
        self,
        predicted: dict[str, Tensor],
        taught: list[Tensor],
        data_samples: list[PoseDataSample],
    ) -> Losses:
        """The losses between predicted heatmaps (B, K, h, w) and the teacher's, (K, h, w) each."""
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
    """A plain student; its teacher is also plain, or a ViTPose+ with a head for this dataset."""

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
    """A student of several datasets; its teacher needs heads for all of them, with equal names."""

    deployed_type = MultiDatasetTopdown

    def __init__(self, *estimator, **more) -> None:
        super().__init__(*estimator, **more)
        if self.teacher is not None:
            sizes = {name: head.out_channels for name, head in self.head.decoders.items()}
            self.teacher.check_datasets(sizes)

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> Losses:
        inputs, data_samples, _ = self._sort(inputs, data_samples)  # the order in the heads
        return super().loss(inputs, data_samples)

    def decoders(self) -> Mapping[str, nn.Module]:
        return self.head.decoders

    def output_losses(
        self,
        predicted: dict[str, Tensor],
        taught: list[Tensor],
        data_samples: list[PoseDataSample],
    ) -> Losses:
        """``{dataset}.loss_output``, weighted by the dataset's share of the batch.

        The losses of the ground truth are weighted in the same way.
        """
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
    """Records the outputs of the heads' final layers inside the block, by the heads' names."""
    predicted = {}

    def keep(name: str):
        return lambda layer, args, heatmaps: predicted.__setitem__(name, heatmaps)

    hooks = [d.final_layer.register_forward_hook(keep(name)) for name, d in decoders.items()]
    try:
        yield predicted
    finally:
        for hook in hooks:
            hook.remove()
