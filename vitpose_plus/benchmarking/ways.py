"""A way of computing something, and what was measured of it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Run = Callable[[], object]


class Role(StrEnum):
    """What the time of a way stands for; the value is for JSON files.

    Attributes:
        OURS: A way of this package.
        OTHER: A way of another program, or of another method.
        PART: A part of the work of another way, which can at best be as fast.
        CEILING: A product of large matrices, the limit of the machine.
    """

    OURS = 'ours'
    OTHER = 'other'
    PART = 'part'
    CEILING = 'ceiling'


@dataclass(frozen=True)
class Way:
    """One way of doing a piece of work.

    Attributes:
        name: The name in the tables.
        precision: ``fp32``, ``bf16``, ``fp16`` or ``int8``.
        run: Does the work once.
        samples: The crops, samples or people of one call.
        flops: The floating-point operations that one call needs (two for a multiply-add). A way
            that computes more than it needs has the same number. 0 if they are not counted.
        role: What its time stands for.
        group: Only ways of one group do the same work, so that their times can be compared.
    """

    name: str
    precision: str
    run: Run = field(repr=False, compare=False)
    samples: int
    flops: float = 0.0
    role: Role = Role.OURS
    group: str = ''


@dataclass(frozen=True)
class Row:
    """What was measured of a way.

    Attributes:
        what: What was measured: a key of ``MEASUREMENTS``.
        name: The name of the way.
        precision: Its precision.
        samples: The samples of one call.
        flops: The floating-point operations that one call needs; 0 if they are not counted.
        role: What its time stands for.
        group: The group of the way.
        seconds: The seconds of one call, in each round.
        memory: The peak memory in bytes (``meters``).
        ceiling: The operations per second of matrix products of this precision in the same run; 0
            if they were not measured.
    """

    what: str
    name: str
    precision: str
    samples: int
    flops: float
    role: Role
    group: str
    seconds: Sequence[float]
    memory: int
    ceiling: float = 0.0

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def per_second(self) -> float:
        """The samples per second."""
        return self.samples / self.median

    @property
    def share(self) -> float:
        """The share of the matrix ceiling, from 0 to about 1; 0 if it is not known."""
        return self.flops / self.median / self.ceiling if self.ceiling else 0.0
