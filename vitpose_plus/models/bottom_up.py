"""Bottom-up decoding: heatmaps of everybody's keypoints, and tags that tell people apart.

ViTPose++ claims it and publishes nothing of it: this is our reading, a plain ViT with the classic
decoder, trained by associative embedding (docs/bottom_up.md).

Shapes: B batch, C channels, H W feature map, K keypoints, h w heatmaps, P most people with tags.
"""

import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads import AssociativeEmbeddingHead
from mmpose.models.losses import AssociativeEmbeddingLoss
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.models.heads import Features
from vitpose_plus.models.positions import sine_table
from vitpose_plus.models.vit import ViT


@MODELS.register_module()
class BatchedAssociativeEmbeddingLoss(AssociativeEmbeddingLoss):
    """Pulls the tags of a person together and the people of a picture apart.

    The formula that HigherHRNet was trained with. mmpose's parent sums over the batch and counts
    each person's nearness to itself.

    Args:
        loss_weight: Factor of both losses.
        push_loss_factor: Of the push loss alone; the formula has a half.
    """

    def forward(self, tags: Tensor, keypoint_indices: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K, h, w) and (B, P, K, 2), as the codec encodes them -> pull and push loss.

        Both are means over the pictures: of the mean squared distance of a person's tags to their
        mean, over the people; of ``exp(-d * d)`` of the distances between means, over the pairs. A
        person without a visible keypoint does not count, and a picture without people is zero.
        """
        place, visible = keypoint_indices.transpose(1, 2).unbind(-1)  # (B, K, P)
        own = tags.float().flatten(2).gather(2, place)
        count = visible.sum(1)  # (B, P)
        means = (own * visible).sum(1) / count.clamp(min=1)
        spread = ((own - means[:, None]).square() * visible).sum(1) / count.clamp(min=1)
        present = count > 0
        people = present.sum(1)  # (B,)
        pull = spread.sum(1) / people.clamp(min=1)
        nearness = torch.exp(-(means[:, :, None] - means[:, None]).square())  # (B, P, P)
        pairs = (present[:, :, None] & present[:, None]).triu(1)
        push = 2 * (nearness * pairs).sum((1, 2)) / (people * (people - 1)).clamp(min=1)
        weight = self.loss_weight
        return pull.mean() * weight, push.mean() * weight * self.push_loss_factor


@MODELS.register_module()
class BottomUpHead(AssociativeEmbeddingHead):
    """mmpose's head, made trainable: it expects the labels that its codec does not pack, and
    weights of pictures where there are those of people."""

    def init_weights(self) -> None:
        """As the parent's, but tags start apart: where all are the same nothing pushes them."""
        super().init_weights()
        nn.init.kaiming_normal_(self.final_layer.weight.data[self.num_keypoints :])

    def loss(
        self,
        feats: Features,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Feature maps (B, C, H, W) -> ``loss_kpt``, ``loss_pull`` and ``loss_push``.

        Every heatmap counts everywhere but where people are not annotated (the mask).
        """
        heatmaps, tags = self.forward(feats)
        fields = [sample.gt_fields for sample in batch_data_samples]
        targets = torch.stack([field.heatmaps for field in fields])
        masks = torch.stack([field.heatmap_mask for field in fields])  # (B, 1, h, w)
        indices = [sample.gt_instance_labels.keypoint_indices for sample in batch_data_samples]
        pull, push = self.loss_module.tag_loss(tags, torch.stack(indices))
        return dict(
            loss_kpt=self.loss_module.keypoint_loss(heatmaps, targets, mask=masks),
            loss_pull=pull,
            loss_push=push,
        )

    def predict(
        self,
        feats: Features | list,
        batch_data_samples: list[PoseDataSample],
        test_cfg: dict | None = None,
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """The people of every picture; unlike the parent's, also without a flip test."""
        test_cfg = test_cfg or {}
        if not (test_cfg.get('flip_test') or test_cfg.get('multiscale_test')):
            feats = list(feats)  # of which the parent makes a scale
        return super().predict(feats, batch_data_samples, test_cfg)


@MODELS.register_module()
class SinePositionViT(ViT):
    """A ViT whose positions start as sines, as MAE's do: near places alike.

    For training from scratch. Tags have to say where a person is, and in a table that starts as
    noise a person's own pixels are as far from each other as from anybody's.
    """

    def reset_parameters(self) -> None:
        super().reset_parameters()
        table = sine_table(self.pos_embed.shape[1:3], self.pos_embed.shape[3])
        with torch.no_grad():
            self.pos_embed.copy_(table.view(self.pos_embed.shape))
