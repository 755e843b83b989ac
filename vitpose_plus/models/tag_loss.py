"""The loss of tags, which tell people apart in bottom-up models.

Shapes: B batch, K keypoints, h w heatmaps, P most people with tags.
"""

import torch
from mmpose.models.losses import AssociativeEmbeddingLoss
from mmpose.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BatchedAssociativeEmbeddingLoss(AssociativeEmbeddingLoss):
    """Pulls the tags of a person together and the people of a picture apart.

    The formula that HigherHRNet was trained with. mmpose's parent sums over the batch and counts
    each person's nearness to itself.

    ``loss_weight`` is the factor of both losses. ``push_loss_factor`` is a second factor of the
    push loss alone; the formula has a half.
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
