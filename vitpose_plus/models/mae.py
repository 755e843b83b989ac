"""Masked autoencoding (MAE) on pictures of people: the pre-training of ViTPose.

Shapes: B batch, H W token grid, N = H * W patches, K kept patches, C channels of the encoder,
P = 3 * kernel height * kernel width values of a patch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.model import BaseModel
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.models.mae_decoder import reset_linear
from vitpose_plus.models.positions import RelativePosition

EPS = 1e-6  # is added to the variance of a patch


class Reconstruction(NamedTuple):
    """Three pictures (3, height, width), normalised by the data preprocessor.

    Attributes:
        given: The input.
        masked: The patches that the encoder sees; all others are 0, which is the mean colour.
        predicted: The patches that the encoder sees; all others as predicted by the decoder.
    """

    given: Tensor
    masked: Tensor
    predicted: Tensor


@MODELS.register_module()
class MaskedAutoencoder(BaseModel):
    """MAE on rectangular pictures, with the backbone of a pose model (section 3.2, table 3).

    Most patches are hidden. The encoder runs only on the others. A light decoder predicts the
    hidden patches, each normalised by its own mean and variance. A patch is the region that the
    backbone's projection reads, for any padding, so that no pixel of a hidden patch reaches the
    encoder. The keys ``backbone.*`` of a checkpoint are those of a pose model: ``train
    --pretrained`` accepts the file unchanged.

    Args:
        backbone: Config of a ``ViT`` with full attention and shared FFNs.
        decoder: Config of the decoder; channels and the size of a patch are filled in.
        mask_ratio: The share of patches that are hidden, between 0 and 1.
        data_preprocessor: Config of the module that normalises pictures on the device.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        mask_ratio: float = 0.75,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not 0 < mask_ratio < 1:
            raise UserError(f'mask_ratio={mask_ratio} must be between 0 and 1.')
        self.backbone = MODELS.build(backbone)
        check_encoder(self.backbone)
        projection = self.backbone.patch_embed
        sizes = dict(in_dim=projection.out_channels, out_dim=projection.weight[0].numel())
        self.decoder = MODELS.build(dict(decoder, **sizes))
        self.mask_ratio = mask_ratio
        self.reset_encoder()

    def reset_encoder(self) -> None:
        """Initialises the encoder as in MAE, not as the authors initialise pose models.

        The position table is left unchanged: it is learnt here, but fixed in MAE.
        """
        reset_linear(self.backbone)
        nn.init.xavier_uniform_(self.backbone.patch_embed.weight.flatten(1))  # a view
        if self.backbone.prefix_tokens is not None:
            nn.init.normal_(self.backbone.prefix_tokens, std=0.02)

    def forward(
        self, inputs: Tensor, data_samples: Sequence | None = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list[Reconstruction] | Tensor:
        """Calls ``loss``, ``predict`` or ``predict_patches``, depending on mmengine's ``mode``.

        The inputs are pictures (B, 3, height, width). The samples have only file names: they are
        not used.
        """
        return dict(loss=self.loss, predict=self.predict, tensor=self.predict_patches)[mode](inputs)

    def loss(self, inputs: Tensor, data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """The mean squared error of the hidden patches, in units of their own variance."""
        patches, predicted, hidden = self._mask_and_predict(inputs)
        mean, deviation = statistics(patches)
        error = (predicted - (patches - mean) / deviation).square().mean(-1, keepdim=True)
        return dict(loss=(error * hidden).sum() / hidden.sum())

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: Sequence | None = None) -> list[Reconstruction]:
        """Predicts the hidden patches, and gives them the mean and variance of the true ones."""
        patches, predicted, hidden = self._mask_and_predict(inputs)
        mean, deviation = statistics(patches)
        seen = patches * (1 - hidden)
        versions = (patches, seen, seen + (predicted * deviation + mean) * hidden)
        joined = [self.join(each, inputs.shape[-2:]) for each in versions]
        return [Reconstruction(*pictures) for pictures in zip(*joined, strict=True)]

    def _mask_and_predict(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Patches (B, N, P), their predictions (B, N, P), and 1 for hidden patches (B, N, 1)."""
        kept = self.choose(inputs)
        patches = self.cut(inputs)
        hidden = torch.ones_like(patches[..., :1]).scatter(1, kept[..., None], 0.0)
        return patches, self.predict_patches(inputs, kept), hidden

    def predict_patches(self, inputs: Tensor, kept: Tensor | None = None) -> Tensor:
        """Pictures and the indices (B, K) of kept patches (default: random) -> (B, N, P)."""
        kept = self.choose(inputs) if kept is None else kept
        grid = self.backbone.embed(inputs)  # (B, H, W, C)
        x = grid.flatten(1, 2).gather(1, kept[..., None].expand(-1, -1, grid.shape[3]))
        x = self.backbone.encode(x, (kept.shape[1], 1))
        return self.decoder(x, kept, grid.shape[1:3])

    def choose(self, inputs: Tensor) -> Tensor:
        """The indices (B, K) of the kept patches, sampled separately for every picture."""
        h, w = self.backbone.grid_hw(inputs.shape[-2:])
        num_kept = min(max(1, round(h * w * (1 - self.mask_ratio))), h * w - 1)
        return torch.rand(inputs.shape[0], h * w, device=inputs.device).argsort(1)[:, :num_kept]

    def cut(self, pictures: Tensor) -> Tensor:
        """(B, 3, height, width) -> the pixels that the projection reads per patch, (B, N, P)."""
        return F.unfold(pictures, **self._window()).transpose(1, 2)

    def join(self, patches: Tensor, hw: tuple[int, int]) -> Tensor:
        """The opposite of ``cut``, for ``hw`` pixels; pixels outside all patches are 0."""
        return F.fold(patches.transpose(1, 2), hw, **self._window())

    def _window(self) -> dict[str, tuple[int, int]]:
        projection = self.backbone.patch_embed
        return {key: getattr(projection, key) for key in ('kernel_size', 'stride', 'padding')}


def check_encoder(backbone: nn.Module) -> None:
    """Raises a ``UserError`` if a backbone cannot run on a part of a picture's patches."""
    projection = backbone.patch_embed
    if projection.kernel_size != projection.stride:
        raise UserError(
            f'Masked patches must not overlap, but the backbone has kernels of '
            f'{projection.kernel_size} at a stride of {projection.stride}: make them equal.'
        )
    for name, module in backbone.layers.named_modules():
        needs_grid = getattr(module, 'needs_grid', isinstance(module, RelativePosition))
        if needs_grid or getattr(module, 'kernel_size', (1, 1)) != (1, 1):
            raise UserError(
                f'layers.{name} of the backbone ({type(module).__name__}) needs every patch at its '
                'place, but a masked autoencoder leaves most of them out: pre-train with '
                'FullAttention without rel_pos and with 1x1 kernels.'
            )


def statistics(patches: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N, P) -> mean and standard deviation over the values of each patch, (B, N, 1)."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return mean, (variance + EPS).sqrt()
