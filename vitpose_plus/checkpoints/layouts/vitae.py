"""The layout of MAE's ViTAE encoders: with convolutions, and attention keys without a bias."""

import torch

from vitpose_plus.checkpoints.layouts.layout import Facts, State
from vitpose_plus.checkpoints.layouts.mae import MaeLayout
from vitpose_plus.checkpoints.layouts.official import BACKBONE

LAYER = 'backbone.layers.*'
BATCH_NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
CONVOLUTION = {
    'blocks.*.PCM.0.*': f'{LAYER}.convolution.expand.*',
    **{f'blocks.*.PCM.1.{part}': f'{LAYER}.convolution.norm.{part}' for part in BATCH_NORM},
    'blocks.*.PCM.3.*': f'{LAYER}.convolution.reduce.*',
}
QKV = 'blocks.*.attn.qkv.*'


class VitaeMaeLayout(MaeLayout):
    """Kernels keep their size, usually 1x1: a model pads them with zeros to its own size."""

    title = "MAE's layout of ViTAE"
    signature_keys = ('cls_token', 'blocks.0.attn.q_bias', 'blocks.0.PCM.0.weight', 'norm.weight')
    names = {
        **{name: ours for name, ours in BACKBONE.items() if name != QKV},
        'blocks.*.attn.qkv.weight': f'{LAYER}.attention.qkv.weight',
        'blocks.*.attn.q_bias': f'{LAYER}.attention.qkv.q_bias',
        'blocks.*.attn.v_bias': f'{LAYER}.attention.qkv.v_bias',
        **CONVOLUTION,
    }

    def to_ours(self, state: State, facts: Facts) -> State:
        """Gives the attention keys a bias of zero: the softmax cancels a bias of all keys."""
        joined = {}
        for key, value in state.items():
            if key.endswith('.q_bias'):
                parts = [value, torch.zeros_like(value), state[key.replace('.q_bias', '.v_bias')]]
                joined[key.replace('.q_bias', '.bias')] = torch.cat(parts)
            elif not key.endswith('.v_bias'):
                joined[key] = value
        return super().to_ours(joined, facts)
