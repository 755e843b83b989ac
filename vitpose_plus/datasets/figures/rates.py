"""The times of the frames of synthetic films."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from itertools import count

import numpy as np

from vitpose_plus.errors import UserError

TICKS = 90_000  # in a second: the unit of the times in a file
MAX_RATE = 1000


class Rate(ABC):
    """A frame rate.

    Args:
        rate: Mean number of frames per second, such as 25 or ``Fraction(30000, 1001)``.

    Raises:
        UserError: The rate is out of its range.
    """

    def __init__(self, rate: float | Fraction) -> None:
        if not 0 < rate <= MAX_RATE:
            raise UserError(f'rate is {rate}: give more than 0 and at most {MAX_RATE}.')
        self.rate = Fraction(rate).limit_denominator(1001)

    @abstractmethod
    def ticks(self, rng: np.random.Generator) -> Iterator[int]:
        """The times of all frames from 0, without an end, in units of 1 / ``TICKS`` s."""


class ConstantRate(Rate):
    """All frames have the same distance, up to the unit of the times."""

    def ticks(self, rng: np.random.Generator) -> Iterator[int]:
        return (round(number * TICKS / self.rate) for number in count())


class VariableRate(Rate):
    """The distances are random, in whole milliseconds: half to one and a half of their mean.

    One distance in 30 is three times the mean, as if a camera had dropped two frames.
    """

    def ticks(self, rng: np.random.Generator) -> Iterator[int]:
        time = 0
        while True:
            yield time * (TICKS // 1000)
            factor = 3 if rng.random() < 1 / 30 else rng.uniform(0.5, 1.5)
            time += max(1, round(factor * 1000 / self.rate))
