"""The weights that a training starts from: downloads them, and describes them in the log."""

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from mmpose.registry import MODELS

from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.fetching import fetch, is_local, is_url
from vitpose_plus.models import MaskedAutoencoder
from vitpose_plus.models.building import build_on_meta

# The papers never train a backbone with so many parameters from random weights; `tiny` has fewer.
FULL_SIZE = 10_000_000


def pretrained(model: dict) -> dict | None:
    """Returns the ``init_cfg`` that loads a file, from the config of a model or backbone."""
    given = model.get('init_cfg') or {}
    parts = given if isinstance(given, list | tuple) else [given]
    return next((part for part in parts if part.get('type') == 'Pretrained'), None)


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
    starts = (pretrained(cfg.model.get('backbone', {})), cfg.model.get('teacher'))
    for start in starts:
        if start and is_url(start.get('checkpoint')):
            start['checkpoint'] = fetch(start['checkpoint'])


def report_start(cfg: Config, logger: MMLogger) -> None:
    """Logs what the backbone loads from a checkpoint, or that it starts from random weights.

    It logs nothing if the complete model is loaded, as mmengine logs that. It also logs nothing for
    a masked autoencoder, which starts from random weights by design.
    """
    if cfg.get('load_from') or pretrained(cfg.model) or not is_main_process():
        return
    start = pretrained(cfg.model.backbone)
    if start and is_local(start['checkpoint']):
        logger.info(describe_loading(start['checkpoint'], start.get('prefix', '')))
    elif not start and not issubclass(MODELS.get(cfg.model.type), MaskedAutoencoder):
        number = sum(p.numel() for p in build_on_meta(cfg.model.backbone).parameters())
        if number >= FULL_SIZE:
            logger.warning(
                f'The backbone starts from random weights ({number / 1e6:.0f} M parameters): give '
                '--pretrained CHECKPOINT (docs/weights.md), or --pretrained none if this is '
                'intended.'
            )


def describe_loading(path: str, prefix: str) -> str:
    """Returns a sentence: the number of loaded tensors, and the parts that are left out."""
    names = list(reading.read(path))
    own = [name for name in names if name.startswith(prefix)]
    parts = sorted({name.split('.')[0] for name in set(names) - set(own)})
    return (
        f'The backbone starts from {path}: {len(own)} tensors; left out: '
        f'{", ".join(parts) or "nothing"}.'
    )
