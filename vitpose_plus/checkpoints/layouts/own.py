"""Our own layout, so that a trained model can go on from here to any other."""

from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, Reading, State


class OwnLayout(Layout):
    """Nothing to translate."""

    title = "vitpose_plus's own layout"
    marks = ('backbone.layers.0.attention.qkv.weight', 'backbone.patch_embed.weight')
    names = {}

    def read(self, state: State, facts: Facts) -> Reading:
        return Reading(dict(state), {})

    def write(self, state: State) -> State:
        return dict(state)
