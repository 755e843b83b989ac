"""The bottom-up head: heatmaps with the keypoints of all people, and tags that separate them.

The ViTPose++ paper mentions bottom-up decoding and publishes no details. This is our reading: a
plain ViT with the classic decoder, trained by associative embedding (docs/bottom_up.md).

Shapes: B batch, C channels, H W feature map, K keypoints, h w heatmaps.
"""

import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads import AssociativeEmbeddingHead
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.models.heads import Features


@MODELS.register_module()
class BottomUpHead(AssociativeEmbeddingHead):
    """mmpose's head, with a loss that fits our codec.

    mmpose's own loss expects labels that mmpose's codec does not pack. It also expects one weight
    per picture, but the samples have one per person.
    """

    def init_weights(self) -> None:
        """Initialises like mmpose's head, but with larger random weights for the tags.

        Tags must differ at the start: the push loss has no gradient between equal tags.
        """
        super().init_weights()
        nn.init.kaiming_normal_(self.final_layer.weight.data[self.num_keypoints :])

    def loss(
        self,
        feats: Features,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Feature maps (B, C, H, W) -> ``loss_kpt``, ``loss_pull`` and ``loss_push``.

        The heatmap loss counts every pixel, except where the mask marks people without annotation.
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
        """The people of every picture; unlike in mmpose, a flip test is not required."""
        test_cfg = test_cfg or {}
        if not (test_cfg.get('flip_test') or test_cfg.get('multiscale_test')):
            feats = list(feats)  # mmpose's head expects a list here
        return super().predict(feats, batch_data_samples, test_cfg)
