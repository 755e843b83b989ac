"""The layout of VitPose in Hugging Face's transformers."""

import torch

from vitpose_plus.checkpoints.layouts import heads, tensors
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State

LAYER = 'backbone.encoder.layer.*'
QKV = ('query', 'key', 'value')


class HuggingFaceLayout(Layout):
    """Separate queries, keys and values, and separate experts; one head.

    The position table is the authors'.
    """

    title = "Hugging Face's layout"
    signature_keys = ('backbone.embeddings.patch_embeddings.projection.weight', 'head.conv.weight')
    names = {
        'backbone.embeddings.patch_embeddings.projection.*': 'backbone.patch_embed.*',
        'backbone.embeddings.position_embeddings': 'backbone.pos_embed',
        f'{LAYER}.layernorm_before.*': 'backbone.layers.*.norm1.*',
        **{
            f'{LAYER}.attention.attention.{part}.*': f'backbone.layers.*.attention.{part}.*'
            for part in QKV
        },
        f'{LAYER}.attention.output.dense.*': 'backbone.layers.*.attention.proj.*',
        f'{LAYER}.layernorm_after.*': 'backbone.layers.*.norm2.*',
        f'{LAYER}.mlp.fc1.*': 'backbone.layers.*.ffn.fc1.*',
        f'{LAYER}.mlp.fc2.*': 'backbone.layers.*.ffn.fc2.*',
        f'{LAYER}.mlp.experts.*.*': 'backbone.layers.*.ffn.experts.*.*',
        'backbone.layernorm.*': 'backbone.norm.*',
        'head.deconv1.*': 'head.deconv_layers.0.*',
        'head.batchnorm1.*': 'head.deconv_layers.1.*',
        'head.deconv2.*': 'head.deconv_layers.3.*',
        'head.batchnorm2.*': 'head.deconv_layers.4.*',
        'head.conv.*': 'head.final_layer.*',
    }

    hint = 'it has one head, so name its dataset with --dataset'

    def to_ours(self, state: State, facts: Facts) -> State:
        tensors.fold_extra_row(state, facts.grid_hw)
        joined = {}
        for key, value in state.items():
            if '.attention.query.' in key:
                parts = [state[key.replace('query', part)] for part in QKV]
                joined[key.replace('query', 'qkv')] = torch.cat(parts)
            elif '.attention.key.' not in key and '.attention.value.' not in key:
                joined[key] = value
        return heads.name_heads(tensors.stack_experts(joined), facts.datasets)

    def from_ours(self, state: State) -> State:
        separate = {}
        for key, value in heads.number_heads(tensors.unstack_experts(state)).items():
            if '.attention.qkv.' in key:
                parts = zip(QKV, value.chunk(3), strict=True)
                separate |= {key.replace('qkv', name): part for name, part in parts}
            else:
                separate[key] = value
        tensors.with_extra_row(separate)
        return separate
