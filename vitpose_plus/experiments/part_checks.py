"""Checks the settings in a part file: each field has its own kind of value, and no field is extra.

Shapes: K keypoints, L links.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.part_crops import crops

LARGEST = 4096  # pixels of a crop's side, keypoints, links
LONGEST = 100  # characters of a name
AGAIN = 'write the part again with vitpose split --part'


def check_settings(data: Any) -> None:
    """Raises a ``UserError`` that names the first field that is missing, unknown or wrong."""
    if not isinstance(data, dict):
        raise UserError(f'settings is no dict: {AGAIN}.')
    for name in data:
        if name not in CHECKS:
            raise UserError(f'settings.{name} is not known: update vitpose_plus, or {AGAIN}.')
    for name, (is_right, wanted) in CHECKS.items():
        if name not in data:
            raise UserError(f'settings.{name} is missing: {AGAIN}.')
        if not is_right(data[name], data):
            value = repr(data[name])
            short = value if len(value) <= 60 else f'{value[:57]}...'
            raise UserError(f'settings.{name} is {short}, but must be {wanted}: {AGAIN}.')


def _is_name(value: Any) -> bool:
    """Whether a text can be a name in a config: mmengine replaces what stands in double braces."""
    return (
        type(value) is str
        and 0 < len(value) <= LONGEST
        and value.isprintable()
        and value.strip() == value
        and '{{' not in value
    )


def _is_dataset(value: Any, data: Mapping) -> bool:
    return _is_name(value) and value != '..' and not set('/\\') & set(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_positive(value: Any, data: Mapping) -> bool:
    return _is_number(value) and 0 < value <= LARGEST


def _is_count(value: Any, data: Mapping) -> bool:
    return type(value) is int and 0 < value <= LARGEST


def _is_size(value: Any, data: Mapping) -> bool:
    return type(value) is list and len(value) == 2 and all(_is_count(v, data) for v in value)


def _are_names(value: Any, data: Mapping) -> bool:
    return (
        type(value) is list
        and len(value) == data['num_keypoints']
        and all(map(_is_name, value))
        and len(set(value)) == len(value)
    )


def _are_swaps(value: Any, data: Mapping) -> bool:
    """Whether partners are empty or names, and each is the partner of its partner."""
    names = data['names']
    if type(value) is not list or len(value) != len(names):
        return False
    if not all(type(each) is str and (not each or each in names) for each in value):
        return False
    partner = dict(zip(names, value, strict=True))
    return all(not other or partner[other] == name for name, other in partner.items())


def _are_links(value: Any, data: Mapping) -> bool:
    return (
        type(value) is list
        and len(value) <= LARGEST
        and all(type(pair) is list and len(pair) == 2 for pair in value)
        and all(type(end) is str and end in data['names'] for pair in value for end in pair)
    )


def _are_numbers(value: Any, data: Mapping) -> bool:
    return (
        type(value) is list
        and len(value) == data['num_keypoints']
        and all(_is_number(each) and 0 <= each <= LARGEST for each in value)
    )


def _are_sigmas(value: Any, data: Mapping) -> bool:
    return value == [] or (_are_numbers(value, data) and all(each > 0 for each in value))


def _are_colors(of: str) -> Callable[[Any, Mapping], bool]:
    def are_colors(value: Any, data: Mapping) -> bool:
        return (
            type(value) is list
            and len(value) == len(data[of])
            and all(type(color) is list and len(color) == 3 for color in value)
            and all(type(each) is int and 0 <= each <= 255 for color in value for each in color)
        )

    return are_colors


COLORS = 'a list of three whole numbers from 0 to 255 for each'
# Field -> check of its value with all fields, and what it must be. A check may use earlier fields.
CHECKS: dict[str, tuple[Callable[[Any, Mapping], bool], str]] = dict(
    dataset=(_is_dataset, 'a name without slashes and double braces'),
    num_keypoints=(_is_count, f'a whole number from 1 to {LARGEST}'),
    crop=(lambda v, _: type(v) is str and v in crops(), 'a key of configs/_base_/crops.py'),
    padding=(_is_positive, 'a positive number'),
    input_hw=(_is_size, f'two whole numbers from 1 to {LARGEST}'),
    sigma=(_is_positive, 'a positive number'),
    flip_test=(lambda v, _: type(v) is bool, 'True or False'),
    names=(_are_names, 'one name for each keypoint, all different'),
    swaps=(_are_swaps, 'the partner of each keypoint, which has it as its partner, or empty'),
    links=(_are_links, 'pairs of names of keypoints'),
    joint_weights=(_are_numbers, 'one number for each keypoint, not negative'),
    sigmas=(_are_sigmas, 'one positive number for each keypoint, or empty'),
    colors=(_are_colors('names'), f'{COLORS} keypoint'),
    link_colors=(_are_colors('links'), f'{COLORS} link'),
)
