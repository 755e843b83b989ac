"""Checks the metainfo of a dataset before mmpose builds the dataset."""

import functools
import os.path as osp
from collections.abc import Callable, Iterator
from numbers import Real
from pathlib import Path

import mmpose
import numpy as np
from mmengine.config import Config
from mmpose.datasets.datasets import BaseCocoStyleDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from vitpose_plus.datasets.checking.needs import coco_metrics
from vitpose_plus.datasets.multi_dataset import plain_datasets
from vitpose_plus.errors import UserError

SHIPPED = Path(mmpose.__file__).parent / '.mim' / 'configs' / '_base_' / 'datasets'
MMPOSE_PATH = Path('configs', '_base_', 'datasets')  # the folder as in mmpose's configs
LARGEST = float(np.finfo(np.float32).max)  # mmpose stores weights and sigmas as float32
COLOR = 'give three numbers from 0 to 255'


def check_metainfo(dataset: dict, evaluator: dict | list | None) -> None:
    """Raises a ``UserError`` if the metainfo of a loader's dataset, or of its parts, is wrong."""
    for part in plain_datasets(dataset):
        for problem in metainfo_problems(part, evaluator):
            raise UserError(problem)


def metainfo_problems(dataset: dict, evaluator: dict | list | None = None) -> Iterator[str]:
    """Yields a sentence for each problem in the metainfo of a plain dataset.

    Args:
        dataset: Config of the dataset.
        evaluator: Config of the evaluator of the dataset's loader: some metrics need sigmas.
    """
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(kind, type) or not issubclass(kind, BaseCocoStyleDataset):
        return  # mmpose reads no metainfo for it, or the registry refuses it
    raw = dataset.get('metainfo')
    raw = kind.METAINFO if raw is None else raw
    if not isinstance(raw, dict) or not raw:
        yield (
            f'A dataset of the type {kind.__name__} has no metainfo (`metainfo` is {_short(raw)}): '
            'give metainfo=dict(from_file=FILE).'
        )
    elif 'from_file' in raw:
        yield from _file_problems(raw, evaluator)
    else:
        yield from _info_problems(raw, 'in the config', evaluator)


def _file_problems(raw: dict, evaluator: dict | list | None) -> Iterator[str]:
    path = raw['from_file']
    others = sorted(map(str, set(raw) - {'from_file'}))
    if others:
        yield (
            f'A metainfo has from_file={_short(path)} and {", ".join(others)}, but mmpose '
            'then only reads from_file: remove one of them (in a child config with _delete_=True).'
        )
    file = _found(path)
    if file is None:
        yield (
            f'The metainfo file {_short(path)} (from_file) does not exist: correct the path; only '
            f'{MMPOSE_PATH}/NAME.py is replaced by a file of mmpose.'
        )
        return
    is_shipped = SHIPPED.resolve() in file.resolve().parents
    try:
        info = _shipped(file) if is_shipped else Config.fromfile(file).dataset_info
    except Exception as error:  # the file is Python code of the user
        yield (
            f'The metainfo file {path} (from_file) cannot be read ({_one_line(error)}): it must be '
            'a config with dataset_info = dict(...).'
        )
        return
    if is_shipped:  # the user cannot correct it, and it works
        yield from _missing_sigmas(info, path, evaluator)
    else:
        yield from _info_problems(info, path, evaluator)


@functools.cache
def _shipped(file: Path) -> Config:
    """Reads a file of mmpose: this takes 20 ms, and a run reads the same file several times."""
    return Config.fromfile(file).dataset_info


def _found(path: object) -> Path | None:
    """The file that mmpose reads; None if it is missing, or would be another file of mmpose."""
    if not isinstance(path, str):
        return None
    if osp.isfile(path):
        return Path(path)
    shipped = SHIPPED / osp.basename(path)
    return shipped if Path(path).parent == MMPOSE_PATH and shipped.is_file() else None


def _info_problems(info: object, source: str, evaluator: dict | list | None) -> Iterator[str]:
    """Problems of a metainfo; ``source`` is where it comes from, for messages."""
    if not isinstance(info, dict):
        yield f'The metainfo ({source}) is {_short(info)}: it must be a mapping.'
        return
    name = info.get('dataset_name')
    title = f'The metainfo of the dataset {name} ({source})'
    if not isinstance(name, str) or not name:
        title = f'The metainfo ({source})'
        yield f'{title} has the dataset_name {_short(name)}: give the dataset a name.'
    keypoints = info.get('keypoint_info')
    if not _holds_mappings(keypoints) or not keypoints:
        yield (
            f'{title} has no keypoint_info, or its form is wrong: give '
            'keypoint_info={0: dict(name=..., swap=...), ...}.'
        )
        return
    found = [
        *_keypoint_problems(keypoints),
        *_skeleton_problems(info, [keypoint.get('name') for keypoint in keypoints.values()]),
        *_number_problems(
            info, 'joint_weights', len(keypoints), lambda value: 0 <= value <= LARGEST
        ),
        *_number_problems(info, 'sigmas', len(keypoints), lambda value: 0 < value <= LARGEST),
    ]
    yield from (f'{title} {problem}.' for problem in found)
    yield from _missing_sigmas(info, source, evaluator)
    if not found and isinstance(name, str):
        yield from (f'{title} {problem}.' for problem in _parsing_problems(info))


def _keypoint_problems(keypoints: dict[int, dict]) -> Iterator[str]:
    number = len(keypoints)
    if set(keypoints) != set(range(number)):  # a dumped config sorts the ids as texts
        yield (
            f'has the keypoint ids {_short(list(keypoints))}: number the {number} keypoints of '
            f'keypoint_info from 0 to {number - 1}'
        )
    swaps: dict[str, object] = {}
    for key, keypoint in keypoints.items():
        name, swap = keypoint.get('name'), keypoint.get('swap', '')
        if not isinstance(name, str) or not name:
            yield f'has a keypoint {key} with the name {_short(name)}: give it a name'
        elif name in swaps:
            yield f'has two keypoints with the name {name}: give every keypoint its own name'
        else:
            swaps[name] = name if swap == '' else swap
        if not _is_color(keypoint.get('color', (0, 0, 0))):
            yield f'has a keypoint {key} with the color {_short(keypoint["color"])}: {COLOR}'
    for name, swap in swaps.items():
        if not isinstance(swap, str) or swap not in swaps:
            yield (
                f'has the keypoint {name} with the swap {_short(swap)}, which is not a keypoint: '
                "name the keypoint of the other side, or '' if there is none"
            )
        elif swaps[swap] != name:
            yield (
                f'swaps the keypoint {name} with {swap}, but {swap} with '
                f'{_short(swaps[swap]) if swaps[swap] != swap else "none"}: the two must name each '
                'other'
            )


def _skeleton_problems(info: dict, names: list) -> Iterator[str]:
    links = info.get('skeleton_info')
    if not _holds_mappings(links):
        yield (
            'has no skeleton_info, or its form is wrong: give '
            'skeleton_info={0: dict(link=(NAME, NAME)), ...}, or {} for none'
        )
        return
    for key, link in links.items():
        ends = link.get('link')
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            yield f'has a link {key} of skeleton_info that is {_short(ends)}: name two keypoints'
        elif unknown := [end for end in ends if end not in names]:
            yield (
                f'has a link {key} of skeleton_info with {_short(unknown[0])}, which is '
                'not a keypoint: correct its name'
            )
        if not _is_color(link.get('color', (0, 0, 0))):
            yield (
                f'has a link {key} of skeleton_info with the color {_short(link["color"])}: {COLOR}'
            )


def _number_problems(
    info: dict, key: str, number: int, is_right: Callable[[Real], bool]
) -> Iterator[str]:
    """Problems of ``joint_weights`` or ``sigmas``; sigmas may be empty if no metric needs them."""
    if key not in info:
        rest = ', or [] if no metric needs them' if key == 'sigmas' else ' (1.0 if all are equal)'
        yield f'has no {key}: give one for each of the {number} keypoints{rest}'
        return
    if key == 'sigmas' and _without_sigmas(info):
        return
    values = _listed(info[key])
    if values is None or not all(isinstance(v, Real) and not isinstance(v, bool) for v in values):
        yield f'has {key} that are not a list of numbers: give one for each of {number} keypoints'
    elif len(values) != number:
        yield f'has {len(values)} {key} for {number} keypoints: give one for each'
    elif not all(map(is_right, values)) or not any(values):
        wrong = next((value for value in values if not is_right(value)), 'only 0')
        yield f'has {wrong} among its {key}: give finite, positive numbers'


def _missing_sigmas(info: dict, source: str, evaluator: dict | list | None) -> Iterator[str]:
    """The problem that there are no sigmas, but a metric needs them."""
    name = info.get('dataset_name')
    if not _without_sigmas(info):
        return
    for metric in coco_metrics(evaluator, name):
        yield (
            f'The metainfo of the dataset {name} ({source}) has no sigmas, which {metric["type"]} '
            'needs: give one for each keypoint (0.05 if unknown), or use another metric.'
        )


def _without_sigmas(info: dict) -> bool:
    return 'sigmas' in info and (info['sigmas'] is None or _listed(info['sigmas']) == [])


def _parsing_problems(info: dict) -> Iterator[str]:
    """Problems of other fields that mmpose cannot read, such as ``stats_info``."""
    try:
        parse_pose_metainfo(info)
    except Exception as error:
        yield f'cannot be read ({_one_line(error)}): correct it'


def _is_color(color: object) -> bool:
    values = _listed(color)
    return (
        values is not None
        and len(values) == 3
        and all(isinstance(value, Real) and 0 <= value <= 255 for value in values)
    )


def _holds_mappings(values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(v, dict) for v in values.values())


def _listed(values: object) -> list | None:
    """The values as a list; None if they are not a list, a tuple or an array."""
    values = values.tolist() if hasattr(values, 'tolist') else values
    return list(values) if isinstance(values, list | tuple) else None


def _one_line(error: Exception) -> str:
    return ' '.join(f'{type(error).__name__}: {error}'.split())


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value else repr(value)
    return text if len(text) <= 60 else f'{text[:56]} ...'
