"""The layouts of checkpoints: each has a table of names that is used in both directions."""

from torch import Tensor

from vitpose_plus.checkpoints.layouts.hugging_face import HuggingFaceLayout
from vitpose_plus.checkpoints.layouts.layout import Facts, Layout, Reading
from vitpose_plus.checkpoints.layouts.mae import MaeLayout
from vitpose_plus.checkpoints.layouts.mmpose import MmposeLayout
from vitpose_plus.checkpoints.layouts.official import OfficialLayout
from vitpose_plus.checkpoints.layouts.own import OwnLayout
from vitpose_plus.checkpoints.layouts.vitae import VitaeMaeLayout

LAYOUTS: dict[str, Layout] = {
    'official': OfficialLayout(),
    'mmpose': MmposeLayout(),
    'hf': HuggingFaceLayout(),
    'mae': MaeLayout(),
    'mae_vitae': VitaeMaeLayout(),
    'vitpose_plus': OwnLayout(),
}


def recognised(state_dict: dict[str, Tensor]) -> list[str]:
    """The layouts whose signature keys are all in the state dict."""
    return [name for name, layout in LAYOUTS.items() if layout.recognises(state_dict)]


__all__ = ['LAYOUTS', 'Facts', 'Layout', 'Reading', 'recognised']
