"""Associative embedding: one set of heatmaps for all people, and tags that separate them.

The ViTPose++ paper mentions bottom-up decoding and publishes no details. This is our reading, with
HigherHRNet's numbers (docs/bottom_up.md).

Shapes: B batch, K keypoints, h w heatmap, N people of a picture, P of them with tags, M candidates
of a keypoint, L tags of a pixel (two with the flip test), G people found. Points are (x, y).
"""

from collections.abc import Sequence

import numpy as np
import torch
from mmpose.codecs import AssociativeEmbedding
from mmpose.codecs.utils import batch_heatmap_nms
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from vitpose_plus.codecs.grouping import fill, group
from vitpose_plus.codecs.heatmaps import refine_dark_udp
from vitpose_plus.errors import UserError

Poses = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]


@KEYPOINT_CODECS.register_module()
class BatchedAssociativeEmbedding(AssociativeEmbedding):
    """Encodes people as Gaussians and heatmap indices; decodes heatmaps and tags into people.

    The centre of a heatmap pixel is the centre of the input pixels that it covers. So the heatmaps
    of a flipped picture are the flipped heatmaps of the picture, without a shift.

    Args:
        input_size: Width and height of the input in training, in pixels.
        heatmap_size: Width and height of the heatmaps in training.
        sigma: Sigma of the target Gaussians, in heatmap pixels.
        order: The order in which the keypoints are assigned to people; the most reliable should
            come first. The default is the order of the heatmaps.
        max_people: In training, how many people have tags: those with the most labelled keypoints.
            In decoding, how many people are returned: the highest-scoring. Heatmaps contain all
            people.
    """

    label_mapping_table = dict(keypoint_indices='keypoint_indices')

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2.0,
        order: Sequence[int] = (),
        max_people: int = 30,
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma, use_udp=True)
        self.scale_factor = np.array(input_size, np.float32) / heatmap_size
        self.offset = (self.scale_factor - 1) / 2  # centre of the first pixel, in input pixels
        self.decode_keypoint_order = list(order)
        self.decode_max_instances = max_people

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Points (N, K, 2) in input pixels and visibility (N, K) -> targets.

        Returns:
            ``heatmaps`` (K, h, w) and ``keypoint_indices`` (P, K, 2): the index ``y * w + x`` in
            the heatmap and 1, or zeros for keypoints that are not labelled or outside the heatmap.
        """
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], np.float32)
        points = keypoints - self.offset
        pixels = np.floor(points / self.scale_factor + 0.5)
        inside = ((pixels >= 0) & (pixels < self.heatmap_size)).all(-1)
        return super().encode(points, keypoints_visible * inside)

    def _encode_keypoint_indices(
        self,
        heatmap_size: tuple[int, int],
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray,
    ) -> np.ndarray:
        """The same number of rows for every picture, padded with people without keypoints."""
        seen = keypoints_visible > 0.5
        x, y = np.moveaxis(np.floor(keypoints + 0.5).astype(np.int64), -1, 0)
        indices = np.stack([(y * heatmap_size[0] + x) * seen, seen], axis=-1)
        most = np.argsort(-seen.sum(1), kind='stable')[: self.decode_max_instances]
        padded = np.zeros((self.decode_max_instances, *indices.shape[1:]), np.int64)
        padded[: len(most)] = indices[most]
        return padded

    @torch.no_grad()
    def batch_decode(self, batch_heatmaps: Tensor, batch_tags: Tensor) -> Poses:
        """(B, K, h, w) and (B, L * K, h, w) -> poses, keypoint scores and person scores.

        A pixel whose value or tag is not finite is no candidate: its value counts as 0.

        Returns:
            Three lists of B arrays: poses (G, K, 2) in input pixels, keypoint scores (G, K), and
            person scores (G,). A person's score is the mean over all K keypoints; a keypoint that
            was found only by filling counts as 0.
        """
        heatmaps, tags = batch_heatmaps.float(), batch_tags.float()
        num_keypoints = heatmaps.shape[1]
        finite = tags.unflatten(1, (-1, num_keypoints)).isfinite().all(1) & heatmaps.isfinite()
        heatmaps = torch.where(finite, heatmaps, 0.0)
        peaks = batch_heatmap_nms(heatmaps, self.decode_nms_kernel)
        num = min(self.decode_topk, heatmaps[0, 0].numel())
        candidates = self._get_batch_topk(peaks, tags, num)
        people = [self._people(*each) for each in zip(heatmaps, tags, *candidates, strict=True)]
        return tuple(map(list, zip(*people, strict=True)))

    def _people(
        self, heatmaps: Tensor, tags: Tensor, scores: Tensor, near: Tensor, peaks: Tensor
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One picture: (K, h, w), (L * K, h, w), candidates (K, M), (K, M, L) and (K, M, 2)."""
        k = len(scores)
        order = self.decode_keypoint_order or range(k)
        if sorted(order) != list(range(k)):
            raise UserError(
                f'The order {list(order)} is not one of {k} keypoints: correct grouping_order in '
                "the dataset's entry."
            )
        values, own = scores.cpu().numpy(), near.cpu().numpy()
        members = group(values, own, order, self.decode_keypoint_thr, self.decode_tag_thr)
        columns = np.arange(k)
        person_scores = np.where(members >= 0, values[columns, members], 0.0).mean(1)
        best = np.argsort(-person_scores, kind='stable')[: self.decode_max_instances]
        members, person_scores = members[best], person_scores[best]
        missing = members < 0
        present = np.where(missing[..., None], 0.0, own[columns, members])  # (G, K, L)
        means = present.sum(1) / (~missing).sum(1)[:, None]
        chosen = torch.from_numpy(members.T).to(peaks.device).clamp(min=0)  # (K, G)
        pixels = peaks.gather(1, chosen[..., None].expand(-1, -1, 2))
        pixels = fill(pixels, missing, heatmaps, tags, torch.from_numpy(means).to(tags))
        places = pixels[..., 1] * heatmaps.shape[-1] + pixels[..., 0]
        scores = heatmaps.flatten(1).gather(1, places).clamp(min=0)
        points = self._refine(heatmaps, pixels).transpose(0, 1).cpu().numpy()
        points = points * self.scale_factor + self.offset
        return points.astype(np.float32), scores.T.cpu().numpy(), person_scores

    def _refine(self, heatmaps: Tensor, pixels: Tensor) -> Tensor:
        """(K, h, w), (K, G, 2) -> (K, G, 2), moved by DARK, as ViTPose does on COCO, but by at most
        half a pixel."""
        pixels = pixels.to(heatmaps)
        points = refine_dark_udp(heatmaps[None], pixels[None], self.decode_gaussian_kernel)[0]
        return pixels + (points - pixels).clamp(-0.5, 0.5)
