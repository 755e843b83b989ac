"""Guesses what label files do not contain: swap partners and sigmas."""

import re
from collections.abc import Iterator, Sequence

SIGMA = 0.05  # of every keypoint, in COCO's object keypoint similarity
OPPOSITE = {'left': 'right', 'right': 'left', 'l': 'r', 'r': 'l'}
SIDE = re.compile(
    r'left|right|Left|Right|LEFT|RIGHT'
    r'|(?<![A-Za-z])[LlRr](?![A-Za-z])'  # l_ear, ear_R, L1
    r'|(?<![A-Za-z])[LlRr](?=[A-Z][a-z])'  # LEar, lEar
    r'|(?<=[a-z])[LR](?![a-z])'  # earL, earL2
    r'|(?<![A-Z])[LR](?=[FHBM](?![a-z]))|(?<![A-Za-z])[lr](?=[fhbm](?![A-Za-z]))'  # paw2LF, lf
    r'|(?<=[FHBM])[LR](?![A-Za-z])|(?<=(?<![A-Za-z])[fhbm])[lr](?![A-Za-z])'  # FL, fl
)


def swap_partners(names: Sequence[str]) -> dict[str, str]:
    """Returns the keypoints that change places in a mirrored picture.

    A pair has names that differ only in their sides (left and right, L and R, LF and RF). If the
    exact name of the other side is missing, numbers are ignored (paw1LH and paw4RH). A name with
    several possible partners has none.

    Args:
        names: The names of the K keypoints.

    Returns:
        Name -> partner, for both names of each pair; it is an involution.
    """
    given = set(names)
    pairs = _mutual({name: [n for n in _mirrored(name) if n in given] for name in names})
    rest = [name for name in names if name not in pairs]
    by_key: dict[str, list[str]] = {}
    for name in rest:
        by_key.setdefault(_without_numbers(name), []).append(name)
    candidates = {
        name: [n for key in _mirrored(_without_numbers(name)) for n in by_key.get(key, [])]
        for name in rest
        if len(by_key[_without_numbers(name)]) == 1
    }
    partners = pairs | _mutual(candidates)
    return {name: partners[name] for name in names if name in partners}


def _mutual(candidates: dict[str, list[str]]) -> dict[str, str]:
    """The names whose only candidate has this name as its only candidate."""
    only = {name: others[0] for name, others in candidates.items() if len(set(others)) == 1}
    return {
        name: other for name, other in only.items() if only.get(other) == name and other != name
    }


def _mirrored(name: str) -> Iterator[str]:
    """The name with one of its sides replaced, for each side in it, and with all replaced."""
    found = list(SIDE.finditer(name))
    names = [name[: one.start()] + _opposite(one[0]) + name[one.end() :] for one in found]
    names.append(SIDE.sub(lambda one: _opposite(one[0]), name))
    yield from dict.fromkeys(other for other in names if other != name)


def _opposite(text: str) -> str:
    other = OPPOSITE[text.lower()]
    if text.isupper():
        return other.upper()
    return other.capitalize() if text[0].isupper() else other


def _without_numbers(name: str) -> str:
    return re.sub(r'[0-9]+', '#', name)
