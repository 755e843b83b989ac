"""The layout of the ViTPose authors' files.

The files are of plain models, of models for several datasets, of ViTPose+, or split from ViTPose+.
"""

from vitpose_plus.checkpoints.layouts import heads, tensors
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State

BACKBONE = {
    'patch_embed.proj.*': 'backbone.patch_embed.*',
    'pos_embed': 'backbone.pos_embed',
    'blocks.*.norm1.*': 'backbone.layers.*.norm1.*',
    'blocks.*.attn.qkv.*': 'backbone.layers.*.attention.qkv.*',
    'blocks.*.attn.proj.*': 'backbone.layers.*.attention.proj.*',
    'blocks.*.norm2.*': 'backbone.layers.*.norm2.*',
    'blocks.*.mlp.fc1.*': 'backbone.layers.*.ffn.fc1.*',
    'blocks.*.mlp.fc2.*': 'backbone.layers.*.ffn.fc2.*',
}
DECODER = ('deconv_layers.*.*', 'final_layer.*')


class OfficialLayout(Layout):
    """Separate experts and heads; a position table with an extra row for all patches."""

    title = "the authors' layout"
    signature_keys = ('backbone.blocks.0.attn.qkv.weight',)
    names = {
        **{f'backbone.{name}': ours for name, ours in BACKBONE.items()},
        'backbone.blocks.*.mlp.experts.*.*': 'backbone.layers.*.ffn.experts.*.*',
        'backbone.last_norm.*': 'backbone.norm.*',
        **{f'keypoint_head.{part}': f'head.{part}' for part in DECODER},
        **{f'associate_keypoint_heads.*.{part}': f'head.others.*.{part}' for part in DECODER},
    }
    drops = {'backbone.cls_token': "a class token, which the authors' model does not use"}
    hint = "its FFNs are plain or ViTPose+'s, so split the model first"

    def leftovers(self, state: State) -> dict[str, str]:
        """The authors' split tool keeps all experts in its files, and all heads in COCO's file."""
        fc2, proj = (state.get(f'backbone.blocks.0.{p}.bias') for p in ('mlp.fc2', 'attn.proj'))
        if fc2 is None or proj is None or len(fc2) < len(proj):
            return {}  # ViTPose+ itself: the missing rows are in its experts
        if not any('.experts.' in key for key in state):
            return {}
        reason = "left over by the authors' split tool: the file is of one dataset"
        return {
            'backbone.blocks.*.mlp.experts.*.*': reason,
            **{f'associate_keypoint_heads.*.{part}': reason for part in DECODER},
        }

    def to_ours(self, state: State, facts: Facts) -> State:
        tensors.fold_extra_row(state, facts.grid_hw)
        return heads.name_heads(tensors.stack_experts(state), facts.datasets)

    def from_ours(self, state: State) -> State:
        state = heads.number_heads(tensors.unstack_experts(state))
        tensors.with_extra_row(state)
        return state
