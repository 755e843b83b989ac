"""Where the results of a source lie, in formats that write several files."""

import posixpath
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import count
from pathlib import Path, PurePosixPath

from vitpose_plus.inference.sources.places import clean


class Places:
    """Relative paths of sources, below the folder that they have in common.

    Args:
        sources: All of them; they are gone through once.
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
    """The first path where nothing is.

    Args:
        path_of: From what makes it differ: nothing, ``_2``, ``_3``, ...
    """
    paths = (path_of(f'_{number}' if number > 1 else '') for number in count(1))
    return next(path for path in paths if not path.exists())
