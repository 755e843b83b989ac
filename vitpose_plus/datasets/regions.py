"""Regions of pictures in COCO's files: outlines and run lengths."""

import re

import numpy as np
from pycocotools import mask  # xtcocotools' module does not work with NumPy 2

from vitpose_plus.errors import UserError

NUMBERS = {int, float}  # not bool
# An outline with a coordinate beyond this many times the picture's longer side is a mistake.
# pycocotools follows an outline in steps of a fifth of a pixel: such a long outline takes minutes,
# or needs too much memory.
REACH = 10
# Compressed run lengths: characters of six bits; the highest bit is set if the number continues.
# pycocotools also accepts invalid texts, and reads beyond their end.
COMPRESSED = re.compile('(?:[P-o]{0,6}[0-O])*')


def region_mask(segmentation: list | dict | None, hw: tuple[int, int]) -> np.ndarray:
    """The mask (h, w) of an annotation's ``segmentation``: 1 inside, 0 outside.

    Args:
        segmentation: Outlines, run lengths, a list of both, or an empty value.
        hw: Height and width of the picture, in pixels.
    """
    if problem := region_problem(segmentation, hw[::-1]):
        raise UserError(f'An annotation {problem}: correct its segmentation in the file.')
    region = np.zeros(hw, np.uint8)
    outlines = []
    for part in _parts(segmentation):
        if isinstance(part, dict):
            region |= _decoded(part['counts'], hw)
        elif len(part) >= 6:
            outlines.append(part)
    if outlines:
        region |= mask.decode(mask.merge(mask.frPyObjects(outlines, *hw)))
    return region


def region_problem(segmentation: list | dict | None, size_wh: tuple[int, int]) -> str | None:
    """What is wrong with an annotation's ``segmentation``: the end of a sentence, or None.

    A region without area is valid: an empty value, or an outline of less than three points.

    Args:
        segmentation: The value as read by ``json``.
        size_wh: Width and height of the picture, in pixels.
    """
    if segmentation and not isinstance(segmentation, list | tuple | dict):
        return 'has a segmentation that is neither outlines nor run lengths'
    problems = (
        _runs_problem(part, size_wh) if isinstance(part, dict) else _outline_problem(part, size_wh)
        for part in _parts(segmentation)
    )
    return next(filter(None, problems), None)


def _parts(segmentation: list | dict | None) -> list:
    """The outlines and run lengths; some tools write a single outline as a flat list."""
    if not segmentation:
        return []
    if isinstance(segmentation, dict) or type(segmentation[0]) in NUMBERS:
        return [segmentation]
    return segmentation


def _outline_problem(outline: list[float], size_wh: tuple[int, int]) -> str | None:
    if not isinstance(outline, list | tuple) or not set(map(type, outline)) <= NUMBERS:
        return 'has an outline that is not a list of numbers'
    if len(outline) % 2:
        return 'has an outline with an odd number of values, not pairs of x and y'
    reach = REACH * max(size_wh)
    if not all(-reach <= value <= reach for value in outline):
        return 'has an outline with a coordinate that is not finite or far from its picture'
    return None


def _runs_problem(runs: dict, size_wh: tuple[int, int]) -> str | None:
    width, height = size_wh
    if runs.get('size') not in ([height, width], (height, width)):
        return 'has run lengths of another size (height, width) than its picture'
    lengths, area = _run_lengths(runs.get('counts')), width * height
    if lengths is None:
        return 'has run lengths that cannot be read'
    if not all(0 <= value <= area for value in lengths) or sum(lengths) not in (0, area):
        return 'has run lengths that do not add up to the pixels of its picture'
    return None


def _run_lengths(counts: list[int] | str | bytes | None) -> list[int] | None:
    """Lengths of runs of zeros and ones, alternating, by columns; None if they cannot be read."""
    if isinstance(counts, list | tuple):
        whole = all(type(value) in NUMBERS and value % 1 == 0 for value in counts)
        return list(map(int, counts)) if whole else None
    text = counts.decode('latin-1') if isinstance(counts, bytes) else counts
    return _expanded(text) if isinstance(text, str) and COMPRESSED.fullmatch(text) else None


def _expanded(text: str) -> list[int]:
    """Decodes like pycocotools' ``rleFrString``.

    From the fourth number on, the text has the difference to the number two places before.
    """
    lengths, value, shift = [], 0, 0
    for bits in (ord(character) - 48 for character in text):
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (bits & 16) << (shift - 4)  # the sign bit
            lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
            value = shift = 0
    return lengths


def _decoded(counts: list[int] | str | bytes, hw: tuple[int, int]) -> np.ndarray:
    lengths = _run_lengths(counts)
    if not any(lengths):
        return np.zeros(hw, np.uint8)
    values = (np.arange(len(lengths)) % 2).astype(np.uint8)
    return np.repeat(values, lengths).reshape(hw[::-1]).T
