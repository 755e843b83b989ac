"""The weights that a training starts from: finds them, checks them and logs them."""

from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from mmengine.model.weight_init import PretrainedInit
from mmengine.registry import WEIGHT_INITIALIZERS
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.checkpoints import PretrainedBackbone, PretrainedDecoder, check_fit, reading
from vitpose_plus.checkpoints.fetching import fetch, is_local, is_url
from vitpose_plus.checkpoints.guard import check_layout
from vitpose_plus.checkpoints.initialising import CONVERT, TOKENS
from vitpose_plus.checkpoints.starts import locate
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import is_dataset_folder
from vitpose_plus.models import MaskedAutoencoder, ViT
from vitpose_plus.models.building import build_on_meta

# The papers never train a backbone with so many parameters from random weights; `tiny` has fewer.
FULL_SIZE = 10_000_000


def pretrained(model: dict) -> dict | None:
    """Returns the ``init_cfg`` that loads a file, from the config of a model or backbone."""
    given = model.get('init_cfg') or {}
    parts = given if isinstance(given, list | tuple) else [given]
    return next((part for part in parts if issubclass(_initialiser(part), PretrainedInit)), None)


def _initialiser(part: dict) -> type:
    """The class of an ``init_cfg``; ``object`` if there is none of this name."""
    kind = part.get('type')
    kind = WEIGHT_INITIALIZERS.get(kind) if isinstance(kind, str) else kind
    return kind if isinstance(kind, type) else object


def start_from(backbone: dict, checkpoint: str, expert: str | None = None) -> None:
    """Lets a backbone start from a checkpoint.

    Args:
        backbone: The config of the backbone; changed in place.
        checkpoint: A released name, a file or a URL. For a backbone that is no ``ViT``, and for
            mmengine's other addresses, it is loaded by mmengine, and must have the same layout.
        expert: The dataset of the expert that is folded.
    """
    kind = MODELS.get(backbone['type']) if isinstance(backbone['type'], str) else backbone['type']
    is_vit = isinstance(kind, type) and issubclass(kind, ViT)
    if is_vit and (is_url(checkpoint) or is_local(checkpoint)):
        chosen = {} if expert is None else dict(expert=expert)
        backbone.init_cfg = dict(type='PretrainedBackbone', checkpoint=checkpoint, **chosen)
    elif expert is None:
        backbone.init_cfg = dict(type='Pretrained', checkpoint=checkpoint, prefix='backbone.')
    else:
        raise UserError(
            f'--expert {expert} is for a checkpoint of a ViTPose+ and a model with the backbone '
            'ViT: leave it out.'
        )


def start_at_random(backbone: dict) -> None:
    """Removes the file from the ``init_cfg`` of a backbone, and keeps its random initialisers."""
    start, given = pretrained(backbone), backbone.get('init_cfg')
    if start is not None:
        initialisers = [part for part in given if part is not start] if start is not given else []
        backbone.pop('init_cfg')
        if initialisers:
            backbone['init_cfg'] = initialisers


def fetch_checkpoints(cfg: Config) -> None:
    """Downloads the files that the model starts from, and puts their paths into the config."""
    if is_url(cfg.get('load_from')):
        cfg.load_from = fetch(cfg.load_from)
    for start in (pretrained(cfg.model.get('backbone', {})), cfg.model.get('teacher')):
        if start and is_url(start.get('checkpoint')):
            start['checkpoint'] = fetch(start['checkpoint'])
    start = pretrained(cfg.model.get('backbone', {}))
    if start and issubclass(_initialiser(start), PretrainedBackbone):
        start['checkpoint'] = locate(start['checkpoint'])


def check_start(cfg: Config, backbone: nn.Module) -> None:
    """Raises a ``UserError`` if the file that a backbone starts from does not fit it.

    Args:
        cfg: The config of the training, with the file's path.
        backbone: The backbone, which may be on the meta device.
    """
    start = pretrained(cfg.model.get('backbone', {}))
    if start is None or not is_local(start.get('checkpoint')):
        return
    initialiser = WEIGHT_INITIALIZERS.build(start)
    if isinstance(initialiser, PretrainedBackbone):
        folder = Path(cfg.filename or '').parent
        command = f'vitpose new-dataset NAME LABELS {initialiser.option}'
        hint = dict(hint=f'write {folder} again with {command}')
        initialiser.check(backbone, **(hint if is_dataset_folder(folder) else {}))
        return
    given, prefix = reading.read(start.checkpoint), start.get('prefix', '')
    check_layout(given, start.checkpoint)
    weights = {
        f'backbone.{name.removeprefix(prefix)}': value
        for name, value in given.items()
        if name.startswith(prefix)
    }
    parent = nn.ModuleDict(dict(backbone=backbone))
    random = {name: value for name, value in parent.state_dict().items() if name == TOKENS}
    check_fit({**random, **weights}, parent, start.checkpoint, CONVERT)


def report_start(cfg: Config, logger: MMLogger) -> None:
    """Logs what the backbone loads from a checkpoint, or that it starts from random weights.

    It logs nothing if the complete model is loaded, as mmengine logs that. It also logs nothing for
    a masked autoencoder, which starts from random weights by design.
    """
    if cfg.get('load_from') or pretrained(cfg.model) or not is_main_process():
        return
    start = pretrained(cfg.model.backbone)
    if start and is_local(start['checkpoint']):
        for sentence in _descriptions(cfg.model, start):
            logger.info(sentence)
    elif not start and not issubclass(MODELS.get(cfg.model.type), MaskedAutoencoder):
        number = sum(p.numel() for p in build_on_meta(cfg.model.backbone).parameters())
        if number >= FULL_SIZE:
            logger.warning(
                f'The backbone starts from random weights ({number / 1e6:.0f} M parameters): give '
                '--pretrained CHECKPOINT (docs/weights.md), or --pretrained none if this is '
                'intended.'
            )
        else:
            logger.info(
                f'The backbone starts from random weights ({number / 1e6:.1f} M parameters).'
            )


def _descriptions(model: dict, start: dict) -> Iterator[str]:
    """Yields a sentence for each part of the model that starts from a checkpoint."""
    initialiser = WEIGHT_INITIALIZERS.build(start)
    if not isinstance(initialiser, PretrainedBackbone):
        yield describe_loading(start['checkpoint'], start.get('prefix', ''))
        return
    decoder = _decoder_start(model)
    used = ['head'] if decoder and decoder.copied() else []
    yield initialiser.describe(build_on_meta(model['backbone']), used)
    if decoder:
        yield decoder.describe()


def _decoder_start(model: dict) -> PretrainedDecoder | None:
    """What copies the decoder of another dataset, if the config has it."""
    start = pretrained((model.get('head') or {}).get('head', {}))
    if start is None or not issubclass(_initialiser(start), PretrainedDecoder):
        return None
    return WEIGHT_INITIALIZERS.build(start)


def describe_loading(path: str, prefix: str) -> str:
    """Returns a sentence: the number of loaded tensors, and the parts that are left out."""
    names = list(reading.read(path))
    own = [name for name in names if name.startswith(prefix)]
    parts = sorted({name.split('.')[0] for name in set(names) - set(own)})
    return (
        f'The backbone starts from {path}: {len(own)} tensors; left out: '
        f'{", ".join(parts) or "nothing"}.'
    )
