"""``split`` takes one dataset's model out of a multi-dataset model; ``expand`` does the reverse."""

from mmengine.config import Config
from mmengine.model import initialize
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts.heads import has_head, own_prefix
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.experiments.splitting import dataset_index, split_config
from vitpose_plus.models.building import build_on_meta


def split(state_dict: State, cfg: Config, dataset: str) -> tuple[State, Config]:
    """Takes one dataset's plain model out of a multi-dataset model: folded FFNs, and one head.

    Args:
        state_dict: The weights of ``cfg.model``, in our layout.
        cfg: The config of a ``MultiDatasetTopdown``.
        dataset: The name of one of its heads.

    Returns:
        Weights and config of mmpose's ``TopdownPoseEstimator``, with the dataset's data, decoder
        and test settings. Its outputs are those of the multi-dataset model, up to rounding.
    """
    index = dataset_index(cfg, dataset)
    model = _load(state_dict, cfg)
    for layer in model.backbone.layers:
        layer.ffn = layer.ffn.fold(index)
    plain_cfg = split_config(cfg, dataset)
    plain = {k: v for k, v in model.state_dict().items() if not k.startswith('head.')}
    head = model.head.decoders[dataset].state_dict()
    plain |= {f'head.{name}': value for name, value in head.items()}
    check_fit(plain, build_on_meta(plain_cfg.model), 'The split checkpoint')
    return plain, plain_cfg


def expand(state_dict: State, cfg: Config, dataset: str | None = None) -> State:
    """Makes the initial weights of a multi-dataset model from those of a plain model.

    The backbone then computes the same function for all datasets.

    Args:
        state_dict: The weights of a plain model, or of a backbone only, in our layout.
        cfg: The config of a ``MultiDatasetTopdown``.
        dataset: The dataset of the plain model's head. The other heads start at random.

    Returns:
        The weights of ``cfg.model``; without a head if ``state_dict`` has no head.
    """
    if has_head(state_dict):
        dataset_index(cfg, dataset)
    model = MODELS.build(cfg.model)
    for head in model.head.decoders.values():
        initialize(head, head.init_cfg)
    plain = MODELS.build(_without_experts(cfg.model.backbone))
    dense = {k: v for k, v in state_dict.items() if not k.startswith('head.')}
    parent = nn.ModuleDict(dict(backbone=plain))
    check_fit(dense, parent, 'It')
    parent.load_state_dict(dense)
    for wide, narrow in zip(model.backbone.layers, plain.layers, strict=True):
        wide.ffn.load_shared(narrow.ffn)
        narrow.ffn = wide.ffn
    if not has_head(state_dict):
        return parent.state_dict()
    model.backbone = plain
    head = {
        k.replace('head.', own_prefix(dataset), 1): v
        for k, v in state_dict.items()
        if k.startswith('head.')
    }
    expanded = model.state_dict() | head
    check_fit(expanded, model, 'The plain checkpoint')
    return expanded


def _without_experts(backbone: dict) -> dict:
    """The config with plain FFNs. FFNs without experts are kept, as their width may be unusual."""
    ffn = backbone.get('ffn', {})
    return {k: v for k, v in backbone.items() if k != 'ffn' or 'num_experts' not in ffn}


def _load(state_dict: State, cfg: Config) -> nn.Module:
    model = MODELS.build(cfg.model)
    check_fit(state_dict, model)
    model.load_state_dict(state_dict)
    return model
