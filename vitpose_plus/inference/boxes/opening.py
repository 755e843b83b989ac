"""Which kind of boxes is given."""

import difflib
import os
from pathlib import Path

from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.boxes.kinds import KINDS, WHOLE, Given, Options, needless
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.defaults import BOX_SCORE


def open_boxes(
    given: Given, annotations: str | None = None, device: str = 'cpu', score: float = BOX_SCORE
) -> BoxSource:
    """What gives the boxes of pictures.

    Args:
        given: ``whole``, the name of a detector, the folder of one, a json or csv file; in Python
            also a mapping from pictures to arrays, or a ``BoxSource``, which is returned.
        annotations: The file that has the names of the pictures and categories of a list of
            detections.
        device: Of a detector.
        score: Detections of a detector below are left out; files give all of theirs.

    Raises:
        UserError: It is none of these, or cannot be read.
    """
    if not isinstance(given, Given):
        raise UserError(
            f'Boxes are given as {type(given).__name__}: give a name, a file, a folder, or a '
            'mapping from pictures to arrays.'
        )
    given = os.path.expanduser(given) if isinstance(given, str | Path) else given
    kind = next((kind for kind in KINDS if kind.knows(given)), None)
    if kind is None:
        raise UserError(_unknown(given))
    if annotations and not kind.TAKES_ANNOTATIONS:
        raise needless(given)
    return kind.open(given, Options(annotations, device, score))


def _unknown(given: object) -> str:
    names = [WHOLE, *DETECTORS]
    if os.path.lexists(str(given)):
        return f'{given} is a pipe or a device, or points to nothing: give a file or folder.'
    close = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f'did you mean {close[0]}?' if close else 'check the path.'
    return (
        f'There are no boxes {given!r}: it is no file or folder, and none of {", ".join(names)}; '
        f'{hint}'
    )
