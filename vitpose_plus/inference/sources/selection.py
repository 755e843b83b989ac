"""Selects frames of films by time and number."""

from dataclasses import asdict, dataclass
from typing import Any

from vitpose_plus.errors import UserError


@dataclass(frozen=True)
class Selection:
    """The frames of films that are used.

    Attributes:
        start: The first time, in seconds; None: the start of the film.
        stop: The last time, in seconds; None: the end of the film.
        every: Every ``every``-th frame is used, counted from the first frame of the film.

    Raises:
        UserError: The values are out of their range.
    """

    start: float | None = None
    stop: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        for name, value in (('from', self.start), ('to', self.stop)):
            if value is not None and not 0 <= value < float('inf'):
                raise UserError(f'--{name} is {value}: give a time of at least 0 seconds.')
        if None not in (self.start, self.stop) and self.stop < self.start:
            raise UserError(
                f'--to {self.stop} is before --from {self.start}: give a later time, in seconds.'
            )
        if self.every < 1:
            raise UserError(f'--every is {self.every}: give an integer of at least 1.')

    @property
    def has_all_times(self) -> bool:
        return self.start is None and self.stop is None

    def has(self, number: int, time: float) -> bool:
        """Whether the frame of this number and time is used."""
        return number % self.every == 0 and (self.start is None or time >= self.start)

    def ends_before(self, time: float) -> bool:
        """Whether all frames from this time on are not used."""
        return self.stop is not None and time > self.stop

    def describe(self) -> dict[str, Any]:
        """The values for the manifest."""
        return asdict(self)


ALL = Selection()
