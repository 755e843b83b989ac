"""Finds the entry of a picture in a file of boxes."""

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping

from vitpose_plus.errors import UserError
from vitpose_plus.files import common_end, parts


class Index(ABC):
    """Finds the entry of a picture. Two different pictures cannot have the same entry.

    Args:
        title: The name of the file, for errors.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._sources: dict[Hashable, str] = {}  # entry -> the picture that it was found for

    def find(self, source: str) -> Hashable:
        """Returns the key of the picture's entry.

        Raises:
            UserError: There is no entry, or several, or another picture has the same entry.
        """
        key = self._find(source)
        other = self._sources.setdefault(key, source)
        if other != source:
            raise UserError(
                f'{self.title} has one entry ({key}) for two pictures, {other} and {source}: give '
                'each picture an entry of its own, with its folder in the name.'
            )
        return key

    @abstractmethod
    def _find(self, source: str) -> Hashable: ...


class Names(Index):
    """Finds entries by name: the same name, or the longest equal end of the path.

    Args:
        title: The name of the file, for errors.
        keys: Name of a picture -> key of its entry.
    """

    def __init__(self, title: str, keys: Mapping[str, Hashable]) -> None:
        super().__init__(title)
        self._keys = keys
        self._names: dict[str, list[str]] = {}  # last part of the path -> names
        for name in self._keys:
            self._names.setdefault(parts(name)[-1], []).append(name)

    def _find(self, source: str) -> Hashable:
        if source in self._keys:
            return self._keys[source]
        wanted = parts(source)
        names = self._names.get(wanted[-1], [])
        lengths = [common_end(wanted, parts(name)) for name in names]
        best = [name for name, n in zip(names, lengths, strict=True) if n == max(lengths)]
        # If several ends are equally long, a complete name is better than a part of a name.
        best = [name for name in best if len(parts(name)) == max(lengths)] or best
        if not best:
            raise UserError(
                f'{self.title} does not name the picture {source}: add it there, or leave the '
                'picture out.'
            )
        if len(best) > 1:
            raise UserError(
                f'{self.title} names {" and ".join(best[:2])}, and both can be the picture '
                f'{source}: give the picture with its folder, as in the file.'
            )
        return self._keys[best[0]]


class Numbers(Index):
    """Finds entries by the number at the end of a picture's name: 139 for ``000000000139.jpg``.

    Args:
        title: The name of the file, for errors.
        numbers: The numbers of its pictures.
    """

    def __init__(self, title: str, numbers: Iterable[int]) -> None:
        super().__init__(title)
        self._numbers = set(numbers)

    def _find(self, source: str) -> int:
        stem = parts(source)[-1].rpartition('.')[0] or parts(source)[-1]
        number = re.search(r'([0-9]{1,18})$', stem)
        if number is None:
            raise UserError(
                f'{self.title} has only numbers of pictures, and the name of {source} does not end '
                'in a number: use --annotations to give the file with the names of the pictures.'
            )
        if int(number[1]) not in self._numbers:
            raise UserError(
                f'{self.title} has no detection in picture {int(number[1])} (the number in the '
                f'name of {source}): if the picture shows nobody, use --annotations to give the '
                'file that lists the pictures.'
            )
        return int(number[1])
