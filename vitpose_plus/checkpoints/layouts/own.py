"""Our own layout, so that a trained model can go on from here to any other."""

from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State
from vitpose_plus.checkpoints.layouts.official import BACKBONE, DECODER


class OwnLayout(Layout):
    """Nothing to translate, but as strict as the others."""

    title = "vitpose_plus's own layout"
    marks = ('backbone.layers.0.attention.qkv.weight', 'backbone.patch_embed.weight')
    names = {
        name: name
        for name in (
            *BACKBONE.values(),
            'backbone.norm.*',
            'backbone.layers.*.ffn.experts.*',
            *(f'head.{part}' for part in DECODER),
            *(f'head.heads.*.{part}' for part in DECODER),
        )
    }

    def to_ours(self, state: State, facts: Facts) -> State:
        return state

    def from_ours(self, state: State) -> State:
        return state
