"""Models to export: small, with random weights."""

import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from tests.helpers.students import stirred
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference.models import PoseModel, load

PLAIN = 'vitpose-tiny_figures-128x96'  # 16x12 tokens
PLUS = 'vitpose-plus-tiny_figures-128x96'
BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'
ARCH = dict(depth=2, dim=16, num_heads=2)
SIMPLE = dict(
    deconv_out_channels=[], deconv_kernel_sizes=[], final_layer=dict(kernel_size=3, padding=1)
)


def random_model(folder, name=PLAIN, backbone=(), head=()) -> PoseModel:
    """A model of an included config with two layers, random weights, and changes of its config.

    Args:
        folder: The folder into which its config and its weights are written.
        name: The name of the config.
        backbone: The changes of ``model.backbone``.
        head: The changes of the decoder.
    """
    init_default_scope('mmpose')
    cfg = read_config(name)
    cfg.model.backbone.arch = ARCH
    cfg.model.backbone.update(dict(backbone))
    decoder = cfg.model.head.get('head', cfg.model.head)
    decoder.update(dict(in_channels=16), **dict(head))
    torch.manual_seed(0)
    state = stirred(MODELS.build(cfg.model)).state_dict()
    files = folder / 'config.py', folder / 'random.pth'
    cfg.dump(files[0])
    torch.save(state, files[1])
    return load(*map(str, files))
