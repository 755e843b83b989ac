"""Our own layout, so that our trained models can be translated into the other layouts."""

from vitpose_plus.checkpoints.layouts.heads import NAMES, with_names
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, State
from vitpose_plus.checkpoints.layouts.official import BACKBONE, DECODER
from vitpose_plus.checkpoints.layouts.vitae import CONVOLUTION
from vitpose_plus.models.positions import AXES

PREFIX = 'backbone.prefix_tokens'
MAE = 'the decoder of MAE, which only the pre-training needs'
FFN = 'backbone.layers.*.ffn.'
REL_POS = 'backbone.layers.*.attention.rel_pos.pos_embed_'
FFNS = [  # the parts of each kind of FFN
    {'fc1', 'fc2'},
    {'fc1', 'fc2', 'experts'},
    {'fc1_experts', 'fc2_experts'},
    {'shared.fc1', 'shared.fc2', 'individual.fc1_experts', 'individual.fc2_experts'},
]


class OwnLayout(Layout):
    """Checks the keys as strictly as the other layouts, and adds the names of datasets that are
    missing in older files."""

    title = "vitpose_plus's own layout"
    signature_keys = ('backbone.layers.0.attention.qkv.weight', 'backbone.patch_embed.weight')
    names = {
        name: name
        for name in (
            *BACKBONE.values(),
            'backbone.norm.*',
            *(f'{FFN}{part}.*' for kind in FFNS for part in kind),
            *(REL_POS + axis for axis in AXES),
            *CONVOLUTION.values(),
            PREFIX,
            *(f'head.{part}' for part in DECODER),
            *(f'head.heads.*.{part}' for part in DECODER),
            NAMES,
        )
    }
    drops = {
        'decoder.*': MAE,
        'decoder.*.*': MAE,
        'decoder.layers.*.*.*': MAE,
        'decoder.layers.*.*.*.*': MAE,
    }

    def check_complete(self, renamed: State) -> None:
        """The names of the datasets may be missing, as in older files."""
        super().check_complete({key: value for key, value in renamed.items() if key != NAMES})

    def required(self, renamed: State) -> set[str]:
        """Our names, with ``*``, that a complete backbone has: the parts of one kind of FFN; both
        tables of relative positions, or none; all parts of the convolutions, or none."""
        parts = {key.split('.ffn.')[1].rsplit('.', 1)[0] for key in renamed if '.ffn.' in key}
        kind = next((kind for kind in FFNS if parts <= kind), set().union(*FFNS))
        tables = [key for key in renamed if '.rel_pos.' in key]
        optional = {name for name in self.names if name.startswith((FFN, REL_POS, PREFIX))}
        if not any('.convolution.' in key for key in renamed):
            optional.update(CONVOLUTION.values())
        return {
            *(super().required(renamed) - optional),
            *(f'{FFN}{part}.*' for part in kind),
            *(table[:-1] + axis for table in tables for axis in AXES),
        }

    def to_ours(self, state: State, facts: Facts) -> State:
        return with_names(state, facts.datasets)

    def from_ours(self, state: State) -> State:
        return state
