"""The layout of mmpose 1.x: a backbone of mmpretrain (earlier: mmcls) and a head of mmpose."""

from vitpose_plus.checkpoints.layouts import tensors
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State
from vitpose_plus.checkpoints.layouts.official import DECODER


class MmposeLayout(Layout):
    """One head and no experts; one row of positions per patch, as in our layout."""

    title = "mmpose's layout"
    signature_keys = ('backbone.layers.0.attn.qkv.weight', 'backbone.patch_embed.projection.weight')
    names = {
        'backbone.patch_embed.projection.*': 'backbone.patch_embed.*',
        'backbone.pos_embed': 'backbone.pos_embed',
        'backbone.layers.*.ln1.*': 'backbone.layers.*.norm1.*',
        'backbone.layers.*.attn.qkv.*': 'backbone.layers.*.attention.qkv.*',
        'backbone.layers.*.attn.proj.*': 'backbone.layers.*.attention.proj.*',
        'backbone.layers.*.ln2.*': 'backbone.layers.*.norm2.*',
        'backbone.layers.*.ffn.layers.0.0.*': 'backbone.layers.*.ffn.fc1.*',
        'backbone.layers.*.ffn.layers.1.*': 'backbone.layers.*.ffn.fc2.*',
        'backbone.ln1.*': 'backbone.norm.*',
        **{f'head.{part}': f'head.{part}' for part in DECODER},
    }
    aliases = {  # of mmcls, and of mmpose before 1.0
        'backbone.layers.*.norm1.*': 'backbone.layers.*.norm1.*',
        'backbone.layers.*.norm2.*': 'backbone.layers.*.norm2.*',
        **{f'keypoint_head.{part}': f'head.{part}' for part in DECODER},
    }
    drops = {
        'data_preprocessor.*': 'mean and deviation of the pixels, which the config sets',
        'backbone.cls_token': 'a class token, which ViTPose does not use',
    }

    hint = 'it has one head and no experts, so split the model first'

    def to_ours(self, state: State, facts: Facts) -> State:
        state[tensors.TABLE] = tensors.to_rectangle(state[tensors.TABLE], facts.grid_hw)
        return state

    def from_ours(self, state: State) -> State:
        return {**state, tensors.TABLE: state[tensors.TABLE].flatten(1, 2)}
