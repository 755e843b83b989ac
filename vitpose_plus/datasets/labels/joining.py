"""Joins the contents of label files: one category, the same names, each picture once."""

from collections.abc import Sequence

from vitpose_plus.datasets.labels.label_format import Animal, Content, NamedPoints
from vitpose_plus.errors import UserError


def choose_category(contents: Sequence[Content], category: str | None) -> list[Content]:
    """Returns the contents with the animals and names of one category only.

    Raises:
        UserError: There are several categories and none is chosen, or the chosen one is missing.
    """
    used = used_categories(contents)
    files = ', '.join(str(content.path) for content in contents[:3])
    if category is None and len(used) > 1:
        raise UserError(
            f'{files} has several categories ({", ".join(used)}): choose one of them with '
            '--category NAME.'
        )
    if category is not None and category not in used:
        known = f'the labelled ones are {", ".join(used)}' if used else 'it names none'
        raise UserError(f'{files} has no label of the category {category}: {known}.')
    kept = {category} if category is not None else {None, *used}
    for content in contents:
        content.declared = {key: v for key, v in content.declared.items() if key in kept}
        for entry in content.entries:
            entry.animals = [a for a in entry.animals if a.points and a.category in kept]
    return list(contents)


def used_categories(contents: Sequence[Content]) -> list[str]:
    """The named categories of animals that have a labelled point, in order."""
    animals = [animal for content in contents for animal in _animals(content) if animal.points]
    return list(dict.fromkeys(a.category for a in animals if a.category is not None))


def as_declared(contents: Sequence[Content]) -> Content:
    """Returns a content that declares the names and links of all files, and has no picture."""
    return Content(contents[0].path, [], {None: joint_names(contents)})


def joint_names(contents: Sequence[Content]) -> NamedPoints:
    """The names and links of all files.

    Some formats declare names and their order; these must be the same in all files. Without a
    declaration, the order is that of the first labels.

    Raises:
        UserError: Names or order differ, or a label has an undeclared name.
    """
    declared = [(content, named) for content in contents for named in content.declared.values()]
    if not declared:
        names = (
            p.name for content in contents for animal in _animals(content) for p in animal.points
        )
        return NamedPoints(tuple(dict.fromkeys(names)))
    first, named = declared[0]
    for other, its in declared[1:]:
        if its.names != named.names:
            raise UserError(f'{other.path} {_difference(its.names, named.names, first)}.')
    for content in contents:
        for animal in _animals(content):
            for point in animal.points:
                if point.name not in named.names:
                    raise UserError(
                        f'{content.path} ({point.place}) has the keypoint {point.name}, which '
                        f'{first.path} does not have: use the names {", ".join(named.names)}.'
                    )
    links = next((its.links for _, its in declared if its.links), ())
    return NamedPoints(named.names, links)


def _difference(names: Sequence[str], expected: Sequence[str], first: Content) -> str:
    if sorted(names) == sorted(expected):
        return (
            f'has its keypoints in another order ({", ".join(names)}) than {first.path} '
            f'({", ".join(expected)}): export both with the same order'
        )
    only = [name for name in names if name not in expected]
    lacks = [name for name in expected if name not in names]
    parts = [f'also has {", ".join(only)}'] if only else []
    parts += [f'does not have {", ".join(lacks)}'] if lacks else []
    return (
        f'has other keypoints than {first.path} (it {" and ".join(parts)}): export both with the '
        'same names, or read them separately'
    )


def _animals(content: Content) -> list[Animal]:
    return [animal for entry in content.entries for animal in entry.animals]
