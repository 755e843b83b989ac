"""The loss of the tags, which separate people in bottom-up models.

Shapes: B batch, K keypoints, h w heatmaps, P maximum number of people with tags.
"""

import torch
from mmpose.models.losses import AssociativeEmbeddingLoss
from mmpose.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BatchedAssociativeEmbeddingLoss(AssociativeEmbeddingLoss):
    """Pulls the tags of a person together, and pushes the mean tags of different people apart.

    This is the formula with which HigherHRNet was trained. mmpose's loss, the base class, sums over
    the batch and also counts the nearness of each person to itself.

    ``loss_weight`` is the factor of both losses. ``push_loss_factor`` is a second factor of the
    push loss; in the formula it is 0.5.
    """

    def forward(self, tags: Tensor, keypoint_indices: Tensor) -> tuple[Tensor, Tensor]:
        """Tags (B, K, h, w) and the codec's indices (B, P, K, 2) -> pull loss and push loss.

        Pull: the mean squared distance of a person's tags to their mean, averaged over the people.
        Push: ``exp(-d * d)``, with d the distance between the means of two people, averaged over
        the pairs. Both are averaged over the pictures. A person without a labelled keypoint does
        not count. A picture without people counts as zero.
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
