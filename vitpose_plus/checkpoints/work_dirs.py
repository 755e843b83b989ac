"""Finds the checkpoints of a training folder, and the one from which a training resumes."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vitpose_plus.checkpoints import opening, reading
from vitpose_plus.errors import UserError

POINTER = 'last_checkpoint'
BEST_COPY = 'best.pth'  # written by ``engine.best_copy``
RESUMED = ('meta', 'state_dict', 'optimizer', 'message_hub')
HUB = ('log_scalars', 'runtime_info', 'resumed_keys')  # fields that mmengine needs in message_hub
TEMPLATES = ('epoch_{}.pth', 'iter_{}.pth')
NUMBER = r'\{[^}]*\}'  # the field in a template


def unfinished_names(template: str | None = None) -> list[str]:
    """Patterns (glob) of the checkpoints that a training writes, and may leave unfinished.

    Args:
        template: The checkpoint hook's ``filename_tmpl``, if it has one.
    """
    plain = [re.sub(NUMBER, '*', each) for each in _templates(template)]
    return [*plain, *(f'best_*_{name}' for name in plain)]


def own_checkpoints(folder: str | Path, template: str | None = None) -> list[Path]:
    """The checkpoints that a training wrote, without files that a user gave a similar name."""
    parts = [re.split(NUMBER, each) for each in _templates(template)]
    names = '|'.join(r'\d+'.join(map(re.escape, each)) for each in parts)
    found = Path(folder).glob('*')
    own = re.compile(f'(best_.+_)?({names})')
    return sorted(path for path in found if own.fullmatch(path.name) and path.is_file())


def best(folder: str | Path) -> Path | None:
    """The best checkpoint of the validation. If several metrics have one, it is the latest.

    If there is none, it is the copy with the name ``BEST_COPY``: a user may have copied only that.
    """
    found = [path for path in own_checkpoints(folder) if path.name.startswith('best_')]
    copy = Path(folder) / BEST_COPY
    return max(found, key=number_of, default=copy if copy.is_file() else None)


def number_of(checkpoint: Path) -> int:
    """The number of the epoch or iteration in the name of a training's checkpoint."""
    return int(re.findall(r'\d+', checkpoint.stem)[-1])


def _templates(template: str | None) -> list[str]:
    return list(dict.fromkeys([*TEMPLATES, template or TEMPLATES[0]]))


@dataclass
class Newest:
    """The newest complete checkpoint of a folder.

    Args:
        path: None if there is no checkpoint at all.
        iteration: The iteration stored in it.
        passed_over: Parts of sentences, one for each file that was not usable.
    """

    path: Path | None = None
    iteration: int = 0
    passed_over: tuple[str, ...] = ()


def newest_whole(folder: str | Path, template: str | None = None) -> Newest:
    """Finds the file from which ``--resume`` resumes: the checkpoint furthest in the training.

    The file ``last_checkpoint`` is not used: it may be missing, old, or from before the folder was
    moved. The best checkpoints are left out, as they have no optimiser.

    Raises:
        UserError: There are checkpoints, but none of them is usable.
    """
    found, passed_over = [], []
    for path in own_checkpoints(folder, template):
        if path.name.startswith('best_'):
            continue
        try:
            found.append((_progress(path), path))
        except UserError as error:
            passed_over.append(_reason(path, error))
    for (*_, iteration), path in sorted(found, reverse=True):
        try:
            check_resumable(path)
        except UserError as error:
            passed_over.append(_reason(path, error))
        else:
            return Newest(path, iteration, tuple(passed_over))
    if passed_over:
        raise UserError(
            f'None of the checkpoints in {folder} is usable ({"; ".join(passed_over)}): give '
            'another one with --resume CHECKPOINT, or start again with --force.'
        )
    return Newest()


def best_or_newest(folder: str | Path, template: str | None = None) -> Path | None:
    """The best checkpoint of the validation, else the newest complete one; None if there is none.

    Raises:
        UserError: There are checkpoints, but none of them is usable.
    """
    return best(folder) or newest_whole(folder, template).path


def later_than(start: Path, paths: list[Path]) -> list[Path]:
    """Those of ``paths`` that are further in the training than ``start``, without the best ones."""
    reached, later = _progress(start), []
    for path in paths:
        with suppress(UserError):  # a damaged file contains no progress
            if not path.name.startswith('best_') and _progress(path) > reached:
                later.append(path)
    return later


def _progress(path: Path) -> tuple[float, int]:
    """How far in the training a file was saved: epochs, iterations.

    Iterations alone are not enough: the batch size may differ between two files.
    """
    return _position(opening.unpickled(path, check_sums=False), path)


def _position(content: Any, path: Path) -> tuple[float, int]:
    try:
        meta = content['meta']
        epoch, iteration = int(meta['epoch']), int(meta['iter'])
        if epoch < 0 or iteration < 0:
            raise ValueError
        length = meta.get('iters_per_epoch')
        return max(epoch, iteration / length if length else epoch), iteration
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise UserError(
            f'{path} does not state the iteration of its training: give a checkpoint of a training.'
        ) from error


def check_resumable(path: str | Path) -> None:
    """Raises a ``UserError`` unless a training can resume from a file."""
    path = Path(path)
    if os.path.isdir(path):
        raise UserError(f'{path} is a folder: give a checkpoint, or --work-dir {path} --resume.')
    content = reading.read_whole(path)
    if missing := [key for key in RESUMED if key not in content]:
        raise UserError(
            f'{path} holds no {", ".join(missing)}: a training resumes only from a checkpoint of a '
            'training; to start from its weights, give it as --cfg-options load_from=FILE.'
        )
    _position(content, path)
    schedules = content.get('param_schedulers', [])
    if not (
        _is_hub(content['message_hub'])
        and _is_optimizer(content['optimizer'])
        and isinstance(schedules, list | dict)
    ):
        raise UserError(
            f'{path} has an optimizer, param_schedulers or a message_hub that no training wrote: '
            'give another one.'
        )
    reading.check_tensors(dict(_tensors(content['optimizer'], 'optimizer')), path)


def _is_hub(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(content.get(key), dict) for key in HUB)


def _is_optimizer(content: Any) -> bool:
    """Whether this is the state of one optimiser, or of several by their names."""
    if not isinstance(content, dict) or not content:
        return False
    if 'param_groups' not in content:
        return all(isinstance(each, dict) and 'param_groups' in each for each in content.values())
    groups, state = content['param_groups'], content.get('state')
    return (
        isinstance(groups, list)
        and all(isinstance(group, dict) and 'params' in group for group in groups)
        and isinstance(state, dict)
        and all(isinstance(each, dict) for each in state.values())
    )


def _tensors(content: Any, name: str, depth: int = 4) -> Iterator[tuple[str, Tensor]]:
    """The tensors of one optimiser, or of several, with their names; at most four dicts deep."""
    if isinstance(content, Tensor):
        yield name, content
    for key, value in content.items() if depth and isinstance(content, dict) else ():
        yield from _tensors(value, f'{name}.{key}', depth - 1)


def _reason(path: Path, error: UserError) -> str:
    """The file and its fault, without the folder and without what to do."""
    text = re.split(r': | \(', str(error).replace(str(path), '').strip())[0].rstrip('.')
    return f'{path.name} {text}'
