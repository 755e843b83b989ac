"""The facts about a model that its config contains: its datasets, and how pictures are cropped."""

from collections.abc import Iterator
from dataclasses import dataclass

from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

from vitpose_plus.datasets.multi_dataset import test_datasets_of
from vitpose_plus.datasets.skeletons import PADDING
from vitpose_plus.errors import UserError

# The keys that the section ``predict`` of a config may have.
DEFAULTS = ('boxes', 'dataset', 'example')


@dataclass(frozen=True)
class Facts:
    """The facts about a model that its config contains.

    Attributes:
        datasets: The names of its datasets, in the order of the heads.
        defaults: The values in the config's section ``predict``.
        network: The class of its network.
    """

    datasets: tuple[str, ...]
    defaults: dict[str, str]
    network: type


def defaults_of(cfg: Config) -> dict[str, str]:
    """The defaults of ``predict`` that the config sets."""
    given = dict(cfg.get('predict') or {})
    if unknown := sorted(set(given) - set(DEFAULTS)):
        raise UserError(
            f'{cfg.filename} has predict.{unknown[0]}: allowed are {", ".join(DEFAULTS)}.'
        )
    return given


def datasets_of(cfg: Config) -> Iterator[tuple[str, tuple[dict, list[dict]]]]:
    """Yields name, metainfo and pipeline of every dataset for which the model has a head."""
    heads = [head['dataset'] for head in cfg.model.get('head', {}).get('heads', [])]
    described = dict(test_datasets_of(cfg))
    if missing := [name for name in heads if name not in described]:
        raise UserError(
            f'The model has a head for {missing[0]}, but no test_dataloader of that dataset, which '
            'defines how pictures are cropped: add it.'
        )
    for name in heads or described:
        yield name, described[name]


def crop_of(pipeline: Compose) -> tuple[tuple[int, int] | None, float]:
    """Width and height of the crops (None if the pipeline does not crop), and their padding."""
    crops = [step for step in pipeline.transforms if isinstance(step, TopdownAffine)]
    boxes = [step for step in pipeline.transforms if isinstance(step, GetBBoxCenterScale)]
    size = tuple(int(side) for side in crops[-1].input_size) if crops else None
    return size, boxes[-1].padding if boxes else PADDING
