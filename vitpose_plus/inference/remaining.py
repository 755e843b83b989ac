"""The pictures of a collection that remain for this run and this process."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, takewhile
from operator import itemgetter
from pathlib import Path, PurePosixPath

from vitpose_plus.errors import RunError
from vitpose_plus.inference import journals
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.journals import END, INSTANCES, Line
from vitpose_plus.inference.processes import Processes
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.picture import Picture

NOTHING = math.inf, iter(())  # number and lines after the last entry


class Remaining:
    """The pictures of the sources that earlier runs have not finished, in constant memory.

    A film that is not finished is read again from its start, because it is drawn again. Its frames
    that earlier runs predicted already have their instances.

    Args:
        sources: All pictures.
        earlier: The journals of the earlier runs.
        processes: The processes that share the pictures.
        is_drawn: Whether the drawing at a place exists, or is not needed.
        is_interrupted: Whether Ctrl-C was pressed since the last call; it ends a camera.

    Raises:
        RunError: In an iteration: the journals contain pictures of other sources.

    Attributes:
        pictures: The number of pictures that are predicted already.
    """

    def __init__(
        self,
        sources: Sources,
        earlier: Sequence[Path],
        processes: Processes,
        is_drawn: Callable[[PurePosixPath], bool],
        is_interrupted: Callable[[], bool],
    ) -> None:
        self.sources, self.earlier = sources, earlier
        self.processes, self.is_drawn = processes, is_drawn
        self.is_interrupted = is_interrupted
        self.pictures = 0
        self._ended = set()
        for line in journals.read(earlier):
            self.pictures += INSTANCES in line
            if END in line:
                self._ended.add(line['number'])

    def __iter__(self) -> Iterator[Item]:
        predicted = _Predicted(self.earlier)
        for planned in self.sources.entries():
            lines = predicted.of(planned.number)
            line = next(lines, None)
            if line and line['source'] != planned.entry.name:
                raise RunError(
                    f'An earlier run has predicted {line["source"]} as picture {planned.number}, '
                    f'which is {planned.entry.name} now: the sources changed during that run, so '
                    'predict all pictures again with --force.'
                )
            is_predicted = planned.number in self._ended if planned.entry.is_film else line
            is_done = is_predicted and self.is_drawn(planned.place)
            if not is_done and self.processes.claims(planned.number):
                pictures = planned.pictures()
                if planned.entry.is_endless:
                    pictures = takewhile(lambda _: not self.is_interrupted(), pictures)
                yield from _items(pictures, line, lines)


class _Predicted:
    """The predictions in journals, by the number of the entry.

    Args:
        paths: The paths of the journals.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        lines = (line for line in journals.read(paths) if INSTANCES in line)
        self._groups = groupby(lines, itemgetter('number'))
        self._number, self._lines = next(self._groups, NOTHING)

    def of(self, number: int) -> Iterator[Line]:
        """Returns the lines of an entry. The numbers must increase from call to call."""
        while self._number < number:
            self._number, self._lines = next(self._groups, NOTHING)
        return self._lines if self._number == number else iter(())


def _items(pictures: Iterator[Picture], line: Line | None, later: Iterator[Line]) -> Iterator[Item]:
    """Yields the pictures of an entry, with the instances of its lines in the journals."""
    for picture in pictures:
        while line and journals.order(line['frame']) < journals.order(picture.frame):
            line = next(later, None)
        is_predicted = line is not None and line['frame'] == picture.frame
        found = [Instance.from_dict(each) for each in line[INSTANCES]] if is_predicted else None
        yield Item(picture, found)
