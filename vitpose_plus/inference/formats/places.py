"""The paths of results in formats that write several files."""

import posixpath
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import count
from pathlib import Path, PurePosixPath

from vitpose_plus.inference.sources.places import clean


class Places:
    """Returns the paths of sources, relative to their common folder.

    Args:
        sources: All sources; they are iterated once.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        parents = (str(_below_root(source).parent) for source in sources)
        first = next(parents, '')
        self.common = reduce(lambda a, b: posixpath.commonpath([a, b]), parents, first)

    def of(self, source: str) -> PurePosixPath:
        return _below_root(source).relative_to(self.common)


def _below_root(source: str) -> PurePosixPath:
    return PurePosixPath(clean(Path(source).as_posix()))


def free(path_of: Callable[[str], Path]) -> Path:
    """Returns the first path that does not exist yet.

    Args:
        path_of: Returns the path with a suffix: an empty one, ``_2``, ``_3``, ...
    """
    paths = (path_of(f'_{number}' if number > 1 else '') for number in count(1))
    return next(path for path in paths if not path.exists())
