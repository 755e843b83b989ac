"""Our own layout, so that a trained model can go on from here to any other."""

from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State
from vitpose_plus.checkpoints.layouts.official import BACKBONE, DECODER
from vitpose_plus.models.positions import AXES

FFN = 'backbone.layers.*.ffn.'
REL_POS = 'backbone.layers.*.attention.rel_pos.pos_embed_'
FFNS = [  # what each kind consists of
    {'fc1', 'fc2'},
    {'fc1', 'fc2', 'experts'},
    {'fc1_experts', 'fc2_experts'},
    {'shared.fc1', 'shared.fc2', 'individual.fc1_experts', 'individual.fc2_experts'},
]


class OwnLayout(Layout):
    """Nothing to translate, but as strict as the others."""

    title = "vitpose_plus's own layout"
    marks = ('backbone.layers.0.attention.qkv.weight', 'backbone.patch_embed.weight')
    names = {
        name: name
        for name in (
            *BACKBONE.values(),
            'backbone.norm.*',
            *(f'{FFN}{part}.*' for kind in FFNS for part in kind),
            *(REL_POS + axis for axis in AXES),
            *(f'head.{part}' for part in DECODER),
            *(f'head.heads.*.{part}' for part in DECODER),
        )
    }

    def wanted(self, renamed: State) -> set[str]:
        """The FFNs are all of one kind; a layer has both of its tables of distances, or neither."""
        parts = {key.split('.ffn.')[1].rsplit('.', 1)[0] for key in renamed if '.ffn.' in key}
        kind = next((kind for kind in FFNS if parts <= kind), set().union(*FFNS))
        tables = [key for key in renamed if '.rel_pos.' in key]
        return {
            *(name for name in super().wanted(renamed) if not name.startswith((FFN, REL_POS))),
            *(f'{FFN}{part}.*' for part in kind),
            *(table[:-1] + axis for table in tables for axis in AXES),
        }

    def to_ours(self, state: State, facts: Facts) -> State:
        return state

    def from_ours(self, state: State) -> State:
        return state
