"""The kinds of sources that are given by a word, and that a list can contain."""

from collections.abc import Sequence
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.cameras import Camera
from vitpose_plus.inference.sources.films import Film
from vitpose_plus.inference.sources.paths import Folder, Missing, Pattern, PictureFile
from vitpose_plus.inference.sources.source import Source
from vitpose_plus.inference.sources.web import Url

# The first class that accepts the given source is used: an existing file is never a pattern.
NAMED: list[type[Source]] = [Film, PictureFile, Folder, Camera, Url, Pattern, Missing]


def source_of(given: Any, number: int, kinds: Sequence[type[Source]]) -> Source:
    """Returns the source for a word, path, array or image that the user gives.

    Args:
        given: The word, path, array or image.
        number: The number of the source among all given sources, from 0.
        kinds: The kinds of sources that are possible.

    Raises:
        UserError: No kind accepts it.
    """
    for kind in kinds:
        if kind.accepts(given):
            return kind(given, number)
    raise UserError(
        f'A source is of type {type(given).__name__}: give a path, an array or a PIL image.'
    )
