"""The transforms from a picture to the input and the targets of a top-down model.

A dataset's entry sets the size of its boxes (``padding``) and changes the augmentation.
"""

import math
from collections.abc import Sequence
from typing import Any

from vitpose_plus.errors import UserError

# The keys of added transforms in ``augmentation``.
AFTER_BOX, BEFORE, AFTER = 'after_box', 'before_crop', 'after_crop'


def training(entry: dict, crop: dict, augmentation: Sequence[dict]) -> list[dict]:
    """Returns the transforms of a training; the crop has its sizes."""
    changes = entry.get('augmentation', {})
    own = [(transform, changes.get(transform['type'], {})) for transform in augmentation]
    used = [dict(transform, **change) for transform, change in own if change is not None]
    return [
        dict(type='LoadImage'),
        box(entry),
        *changes.get(AFTER_BOX, ()),
        *used,
        *changes.get(BEFORE, ()),
        _cropping(crop),
        *changes.get(AFTER, ()),
        dict(type='GenerateTarget', encoder=crop['codec']),
        dict(type='PackPoseInputs'),
    ]


def testing(entry: dict, crop: dict) -> list[dict]:
    """Returns the transforms of a test, which have no augmentation."""
    return [dict(type='LoadImageOnce'), box(entry), _cropping(crop), dict(type='PackPoseInputs')]


def box(entry: dict) -> dict:
    """Returns the transform that enlarges the box of an instance; mmpose's default is 1.25."""
    padding = dict(padding=entry['padding']) if 'padding' in entry else {}
    return dict(type='GetBBoxCenterScale', **padding)


def check(name: str, entry: dict) -> None:
    """Raises a ``UserError`` if ``padding`` or ``augmentation`` of an entry cannot be used."""
    padding = entry.get('padding', 1)
    if not isinstance(padding, int | float) or not 0 < padding < math.inf:
        raise UserError(
            f'The entry of the dataset {name} has padding={padding!r}: give the number by which '
            'the sides of a box are multiplied, for example 1.1.'
        )
    for key, change in entry.get('augmentation', {}).items():
        if key in (AFTER_BOX, BEFORE, AFTER):
            right = isinstance(change, list | tuple) and all(map(_is_transform, change))
            hint = 'a list of transforms, each a dict with its type'
        else:
            right = change is None or isinstance(change, dict)
            hint = (
                'a dict of changes of this transform, or None to leave it out; transforms are '
                f'added in the lists {AFTER_BOX}, {BEFORE} and {AFTER}'
            )
        if not right:
            raise UserError(
                f'The entry of the dataset {name} has augmentation.{key}={change!r}: give {hint}.'
            )


def _is_transform(value: Any) -> bool:
    return isinstance(value, dict) and 'type' in value


def _cropping(crop: dict) -> dict:
    return dict(crop['affine'], input_size=crop['codec']['input_size'])
