"""Compares the names of keypoints in a category of an annotation file with the metainfo."""

import re

from vitpose_plus.datasets.checking.annotation_file import AnnotationFile

SIDES = {'l': 'left', 'r': 'right'}  # abbreviations in names of keypoints
SWAPPED = 2  # so many keypoints change places at least
SAME_ORDER = 'make sure that their order is the same'


def check_names(file: AnnotationFile, category: dict, known: list[str]) -> None:
    """Checks the number and the order of names.

    Args:
        file: Collects what is wrong.
        category: The category, with its names in ``keypoints``; without them nothing is checked.
        known: The names in the metainfo, in order.
    """
    given = category.get('keypoints')
    if isinstance(given, list) and given and len(given) != len(known):
        what = f'has {len(given)} names of keypoints, and the metainfo has {len(known)}'
        file.note(what, f'category {category["id"]}', SAME_ORDER)
    check_only_order(file, category, known)


def check_only_order(file: AnnotationFile, category: dict, known: list[str]) -> None:
    """Checks the order of names, if their number is that of the metainfo.

    Official files use other words than mmpose's metainfo ("left_eye", "L_Eye"), and sometimes one
    other name ("head", "top_head").
    """
    given = category.get('keypoints')
    if not isinstance(given, list) or len(given) != len(known) or given == known:
        return
    if not all(isinstance(name, str) for name in given):
        file.wrong(f'has a name of a keypoint that is not a text, in category {category["id"]}')
        return
    if _count_up(given) and _count_up(known):  # one may start at 0, the other at 1
        return
    given_words, known_words = ([words(name) for name in names] for names in (given, known))
    # Names with the same words ("A", "A'") are not compared.
    places = {
        name: number for number, name in enumerate(known_words) if known_words.count(name) == 1
    }
    unknown = []
    for number, name in enumerate(given_words):
        place = places.get(name)
        sides = {side(name), side(known_words[number])}
        if place not in (None, number) or sides == {'left', 'right'}:
            file.wrong(
                f'of category {category["id"]} is not in the order of the metainfo',
                f'keypoint {number} ({given[number]!r}, in the metainfo {known[number]!r})',
                'correct the order in one of the two',
            )
        elif place is None:
            unknown.append(number)
    if len(unknown) >= min(SWAPPED, len(known)):
        for number in unknown:
            place = f'keypoint {number} ({given[number]!r}, metainfo: {known[number]!r})'
            file.note(f'of category {category["id"]} has another name', place, SAME_ORDER)


def words(name: str) -> tuple[str, ...]:
    """The words of a keypoint's name, in lower case, "left" and "right" in full."""
    spaced = re.sub(r'([a-z])([A-Z])', r'\1 \2', name)
    parts = re.split(r'[\W_]+', spaced.lower())
    return tuple(sorted(SIDES.get(part, part) for part in parts if part))


def _count_up(names: list[str]) -> bool:
    """Whether names of keypoints are only numbers in order, with the same text around them."""
    numbers = [int(''.join(re.findall(r'\d', name, re.ASCII)) or -1) for name in names]
    texts = {re.sub(r'\d+', '', name, flags=re.ASCII) for name in names}
    return len(texts) == 1 and numbers == list(range(numbers[0], numbers[0] + len(names)))


def side(name: tuple[str, ...]) -> str | None:
    return next((part for part in name if part in SIDES.values()), None)
