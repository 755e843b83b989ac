"""The layout of MAE's encoders: a pre-trained backbone without a head."""

import torch

from vitpose_plus.checkpoints.layouts import tensors
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, Reading, State
from vitpose_plus.checkpoints.layouts.official import BACKBONE
from vitpose_plus.errors import UserError

PATCH = 16  # the patch size of every ViTPose; MAE's huge model has 14
DECODER = 'the decoder of MAE, which only the pre-training needs'


class MaeLayout(Layout):
    """The authors' names without ``backbone.``; the position tables and kernels are square."""

    title = "MAE's layout (that of plain ViT encoders)"
    signature_keys = ('cls_token', 'blocks.0.attn.qkv.bias', 'norm.weight')
    names = BACKBONE
    drops = {
        'cls_token': 'the class token, which ViTPose does not use',
        'norm.*': 'the final norm, which the authors do not use either',
        'mask_token': DECODER,
        'decoder_pos_embed': DECODER,
        'decoder_blocks.*.*.*': DECODER,
        'decoder_blocks.*.*.*.*': DECODER,
        'decoder_embed.*': DECODER,
        'decoder_norm.*': DECODER,
        'decoder_pred.*': DECODER,
    }

    def recognises(self, state: State) -> bool:
        return super().recognises(_bare(state))

    def read(self, state: State, facts: Facts) -> Reading:
        return super().read(_bare(state), facts)

    def to_ours(self, state: State, facts: Facts) -> State:
        tensors.fold_extra_row(state, None)
        kernel = 'backbone.patch_embed.weight'
        state[kernel] = tensors.pad_patches(state[kernel], PATCH)
        width = state['backbone.patch_embed.bias']
        norm = {'backbone.norm.weight': torch.ones_like(width)}
        return {**state, **norm, 'backbone.norm.bias': torch.zeros_like(width)}

    def from_ours(self, state: State) -> State:
        raise UserError("MAE's layout is a source only: what was left out cannot be restored.")


def _bare(state: State) -> State:
    """Removes the prefix ``encoder.``, which some files have."""
    return {key.removeprefix('encoder.'): value for key, value in state.items()}
