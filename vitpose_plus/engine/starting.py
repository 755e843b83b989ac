"""What a training starts from: weights that are fetched first, and what the log says of them."""

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from mmpose.registry import MODELS

from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.fetching import fetch, is_local, is_url
from vitpose_plus.models import MaskedAutoencoder
from vitpose_plus.models.building import build_on_meta

# Parameters of a backbone of which the papers train none from nothing; `tiny` has fewer.
FULL_SIZE = 10_000_000


def pretrained(model: dict) -> dict | None:
    """The ``init_cfg`` that loads a file, of what a config says of a model or backbone."""
    given = model.get('init_cfg') or {}
    parts = given if isinstance(given, list | tuple) else [given]
    return next((part for part in parts if part.get('type') == 'Pretrained'), None)


def start_at_random(backbone: dict) -> None:
    """Takes the file out of what a config says of a backbone, and leaves how numbers are drawn."""
    start, given = pretrained(backbone), backbone.get('init_cfg')
    if start is not None:
        drawn = [part for part in given if part is not start] if start is not given else []
        backbone.pop('init_cfg')
        if drawn:
            backbone['init_cfg'] = drawn


def fetch_checkpoints(cfg: Config) -> None:
    """Puts downloaded files in the place of the URLs that the model is to start from."""
    if is_url(cfg.get('load_from')):
        cfg.load_from = fetch(cfg.load_from)
    starts = (pretrained(cfg.model.get('backbone', {})), cfg.model.get('teacher'))
    for start in starts:
        if start and is_url(start.get('checkpoint')):
            start['checkpoint'] = fetch(start['checkpoint'])


def report_start(cfg: Config, logger: MMLogger) -> None:
    """Says what the backbone takes of a checkpoint, or that it starts at random.

    Nothing is said where the whole model is loaded, which mmengine says, or of a masked
    autoencoder, which starts from nothing by design.
    """
    if cfg.get('load_from') or pretrained(cfg.model) or not is_main_process():
        return
    start = pretrained(cfg.model.backbone)
    if start and is_local(start['checkpoint']):
        logger.info(taken(start['checkpoint'], start.get('prefix', '')))
    elif not start and not issubclass(MODELS.get(cfg.model.type), MaskedAutoencoder):
        number = sum(p.numel() for p in build_on_meta(cfg.model.backbone).parameters())
        if number >= FULL_SIZE:
            logger.warning(
                f'The backbone starts from random weights ({number / 1e6:.0f} M parameters): give '
                '--pretrained CHECKPOINT (docs/weights.md), or --pretrained none to say that it is '
                'meant.'
            )


def taken(path: str, prefix: str) -> str:
    """What the backbone takes of a checkpoint, and what it leaves out, by its parts."""
    names = list(reading.read(path))
    own = [name for name in names if name.startswith(prefix)]
    parts = sorted({name.split('.')[0] for name in set(names) - set(own)})
    return (
        f'The backbone starts from {path}: {len(own)} tensors; left out: '
        f'{", ".join(parts) or "nothing"}.'
    )
