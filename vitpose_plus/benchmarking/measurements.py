"""What can be measured: one class for each word of ``--what``."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial

from vitpose_plus.benchmarking.ceilings import computes, product
from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.training import load_on_one_thread, loader_of, training_data
from vitpose_plus.benchmarking.ways import Way


class Measurement(ABC):
    """A group of ways that are measured in turn.

    Attributes:
        title: What is measured, for the tables.
        unit: What is counted in a second.
    """

    title: str
    unit: str

    @abstractmethod
    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        """Yields the ways, first those of this package."""


class Forward(Measurement):
    """From normalised crops to heatmaps, beside products of large matrices."""

    title, unit = 'Forward pass, from crops to heatmaps', 'persons/s'

    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        found = [
            way
            for contender in contenders
            for precision in contender.chosen(plan, contender.precisions)
            for way in contender.forward(plan, precision)
        ]
        yield from found
        yield from ceilings(plan, found)


class Predict(Measurement):
    """From a folder of pictures with three true boxes each to a file of keypoints."""

    title, unit = 'Folder of pictures of 640x480 pixels, three people each', 'persons/s'

    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        for contender in contenders:
            for precision in contender.chosen(plan, contender.whole_precisions):
                yield from contender.predict(plan, precision)


class Train(Measurement):
    """A training step, beside products of large matrices."""

    title, unit = 'Training step, datasets mixed', 'samples/s'

    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        found = [way for contender in contenders for way in contender.train(plan)]
        yield from found
        yield from ceilings(plan, found)


class Decode(Measurement):
    """From heatmaps to keypoints."""

    title, unit = 'Decoding of heatmaps, 64 people', 'persons/s'

    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        for contender in contenders:
            yield from contender.decode(plan)


class Load(Measurement):
    """From training pictures to batches, with the targets, in one process."""

    title, unit = 'Loader of the training data, one worker', 'samples/s'

    def ways(self, plan: Plan, contenders: Sequence[Contender]) -> Iterator[Way]:
        batches = loader_of(training_data(plan.subject, plan.folder), plan.batch)
        run = partial(load_on_one_thread, batches)
        yield Way('training loader', 'fp32', run, plan.batch)


def ceilings(plan: Plan, ways: Sequence[Way]) -> Iterator[Way]:
    """Yields the product of matrices for every precision of some ways."""
    for precision in dict.fromkeys(way.precision for way in ways if way.flops):
        if computes(precision, plan.device):
            yield product(precision, plan.device)


# The words of --what.
MEASUREMENTS: dict[str, Measurement] = dict(
    forward=Forward(), predict=Predict(), train=Train(), decode=Decode(), load=Load()
)
