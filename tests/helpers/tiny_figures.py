"""The tiny figures checkpoint: a trained ViTPose+ of the demo, for tests that need trained weights.

A new one, of the demo as it is now, is made by ``make demo`` and then

    python -m tests.helpers.tiny_figures work_dirs/demo/epoch_3.pth
"""

import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.experiments.catalogue import find_config

FILE = Path(__file__).parents[1] / 'data' / 'tiny_figures.pth'


def make(trained: str | Path, out: str | Path = FILE) -> None:
    """Writes the weights of the demo's checkpoint, with matrices in half precision."""
    init_default_scope('mmpose')
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    model = MODELS.build(cfg.model)
    model.load_state_dict(reading.read(trained))
    state = model.state_dict()
    writing.write(out, {k: v.half() if v.ndim > 1 else v for k, v in state.items()})


if __name__ == '__main__':
    make(sys.argv[1])
