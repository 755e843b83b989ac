"""Released weights by name: downloaded once, translated into our layout in memory.

``released.json`` lists every file of docs/weights.md that has a direct link. Links and check sums
were copied from the pages of the makers and the mirrors, and not tested by downloading.
"""

import difflib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import nn

from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.fetching import fetch, place
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts.heads import SIX, dataset_heads
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError, closest
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.models.building import build_on_meta

TABLE = Path(__file__).with_name('released.json')
FLAGS = {  # printed at the download
    'nc-wholebody': 'It was trained on COCO-WholeBody, whose terms allow research and '
    'non-commercial use only.',
    'nc-mae': 'Its training started from an MAE encoder, whose repository is under CC BY-NC 4.0.',
    'leaks COCO val': 'It was trained on CrowdPose, too, which has at least 181 of the pictures of '
    "COCO's validation. Do not compare its numbers on COCO.",
    'terms not read': 'It was trained on Human-Art, whose terms were not checked.',
    'origin not said': "Its source does not state from which of the authors' files it was cut. It "
    'may be of ViTPose+ (nc-wholebody) or of a model that was trained on CrowdPose, too (leaks '
    'COCO val).',
}


class Weights(NamedTuple):
    """A released file.

    Attributes:
        name: The name that users give.
        url: The address of the file.
        config: The included config of its model.
        source: Its layout, a key of ``LAYOUTS``.
        makers: Who trained the weights, and who copied them.
        datasets: The datasets of its heads, in the order of the model.
        sha256: The SHA-256 of the file, or its first digits; empty if it is unknown.
        megabytes: The size of the file; None if it is unknown.
        flags: Keys of ``FLAGS``.
        options: Changes of the config, as ``--cfg-options``.
        whole: The address of the authors' complete file, if this file lacks some of its heads.
    """

    name: str
    url: str
    config: str
    source: str
    makers: str
    datasets: tuple[str, ...] = ('coco',)
    sha256: str = ''
    megabytes: int | None = None
    flags: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    whole: str = ''


class Loaded(NamedTuple):
    """The result of ``load``.

    Attributes:
        config: The config of the model, as ``catalogue.read_config`` returns it.
        state_dict: The model's weights, in our layout.
        path: The downloaded file.
    """

    config: Config
    state_dict: State
    path: Path


def _read(path: Path) -> dict[str, Weights]:
    """Reads the table, in which files of one origin share their common fields."""
    table = {}
    for group in json.loads(path.read_text()):
        root, own_files = group.pop('root'), group.pop('files')
        for row in own_files:
            fields = {**group, **row, 'url': root + row['file']}
            del fields['file']
            lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
            table[row['name']] = Weights(**{**fields, **lists})
    return table


RELEASED = _read(TABLE)


def find(name: str) -> Weights | None:
    """The released weights with this name, or None."""
    return RELEASED.get(name)


def named(name: str) -> Weights:
    """The released weights with this name, or a ``UserError`` with the closest names."""
    weights = find(name)
    if weights is None:
        raise UserError(
            f'There are no released weights {name!r}{closest(close_names(name))}: see `vitpose '
            'weights` for all.'
        )
    return weights


def close_names(name: str) -> list[str]:
    """Up to three similar names, the most similar first."""
    return difflib.get_close_matches(name, RELEASED, n=3, cutoff=0.5)


def is_downloaded(weights: Weights) -> bool:
    return place(weights.url).is_file()


def check_dataset(weights: Weights, dataset: str) -> None:
    """Raises a ``UserError`` that names other weights, if these have no head for the dataset."""
    if dataset in weights.datasets:
        return
    lacks = f'{weights.name} has no head for {dataset!r}, only for {", ".join(weights.datasets)}'
    if weights.whole and dataset in SIX:
        size = weights.name.removeprefix('vitpose-plus-')
        config = f'vitpose-plus-{size}_six-datasets-256x192'
        raise UserError(
            f"{lacks}: download the authors' file of all six datasets by hand ({weights.whole}), "
            f'translate it with python -m vitpose_plus convert IN OUT --source official --config '
            f'{config}, and give --model {config} --checkpoint OUT.'
        )
    others = [each.name for each in RELEASED.values() if dataset in each.datasets]
    others = difflib.get_close_matches(weights.name, others, n=3, cutoff=0)
    raise UserError(f'{lacks}; that head is in {", ".join(others) or "no released weights"}.')


def download(weights: Weights) -> str:
    """Returns the path of the file; downloads it and prints its flags, if this is not done yet."""
    if not is_downloaded(weights):
        for flag in weights.flags:
            print(f'{weights.name}: {flag}: {FLAGS[flag]}', file=sys.stderr)
    return fetch(weights.url, weights.sha256)


def config_of(weights: Weights) -> Config:
    """The config of the model; this needs no download."""
    cfg = read_config(weights.config)
    cfg.merge_from_dict(weights.options)
    return cfg


def load(weights: Weights) -> Loaded:
    """Downloads weights, if this is not done yet, and translates them for their config's model.

    Raises:
        UserError: They cannot be downloaded, or do not fit the config in the table.
    """
    path = Path(download(weights))
    cfg = config_of(weights)
    try:
        state = _translated(weights, reading.read(path), build_on_meta(cfg.model))
    except UserError as error:
        raise UserError(
            f'{path} is not the file of {weights.name} ({str(error).rstrip(".")}): delete it, and '
            'it is downloaded again.'
        ) from error
    return Loaded(cfg, state, path)


def _translated(weights: Weights, given: State, model: nn.Module) -> State:
    state = convert(given, weights.source, model=model).state_dict
    if len(weights.datasets) == 1 and dataset_heads(state):
        state = keep_dataset(state, weights.datasets[0])
    check_fit(state, model, 'It')
    return state
