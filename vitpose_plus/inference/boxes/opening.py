"""Opens boxes of any kind."""

import difflib
import os
from pathlib import Path

from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.boxes.kinds import (
    KINDS,
    REFINE,
    WHOLE,
    Given,
    Options,
    unexpected_annotations,
)
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.defaults import BOX_SCORE


def open_boxes(
    given: Given, annotations: str | None = None, device: str = 'cpu', score: float = BOX_SCORE
) -> BoxSource:
    """Opens the source of boxes.

    Args:
        given: ``whole``, ``refine``, the name or folder of a detector, a json or csv file; in
            Python also a mapping from pictures to arrays, or a ``BoxSource``, which is returned.
        annotations: The file with the names of the pictures and categories, for a list of
            detections.
        device: The device of a detector.
        score: A detector's detections with a lower score are left out; all boxes of files are used.

    Raises:
        UserError: The value of ``given`` is not supported, or cannot be read.
    """
    if not isinstance(given, Given):
        raise UserError(
            f'Boxes are given as {type(given).__name__}: give a name, a file, a folder, or a '
            'mapping from pictures to arrays.'
        )
    given = os.path.expanduser(given) if isinstance(given, str | Path) else given
    kind = next((kind for kind in KINDS if kind.accepts(given)), None)
    if kind is None:
        raise UserError(_unknown(given))
    if annotations and not kind.TAKES_ANNOTATIONS:
        raise unexpected_annotations(given)
    return kind.open(given, Options(annotations, device, score))


def _unknown(given: object) -> str:
    names = [WHOLE, REFINE, *DETECTORS]
    if os.path.lexists(str(given)):
        return f'{given} is a pipe, a device or a broken link: give a file or folder.'
    close = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f'did you mean {close[0]}?' if close else 'check the path.'
    return (
        f'There are no boxes {given!r}: it is no file or folder, and none of {", ".join(names)}; '
        f'{hint}'
    )
