"""The base class of engines and competitors: what each of them can do is a method."""

import importlib.util
from collections.abc import Iterator, Sequence

import torch

from vitpose_plus.benchmarking.ceilings import computes
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.ways import Way


class Contender:
    """An engine of this package, or another program. A method yields no way where it cannot work.

    Attributes:
        title: The name in the tables.
        precisions: The precisions of ``forward`` and ``train``.
        whole_precisions: The precisions of ``predict``.
        packages: The Python packages that it needs.
    """

    title: str
    precisions: tuple[str, ...] = ()
    whole_precisions: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @classmethod
    def missing(cls) -> list[str]:
        """The packages that are not installed."""
        return [name for name in cls.packages if importlib.util.find_spec(name) is None]

    def runs(self, precision: str, device: torch.device) -> bool:
        """Whether a precision is worth measuring on this device."""
        return computes(precision, device)

    def chosen(self, plan: Plan, able: Sequence[str]) -> list[str]:
        """The precisions of the plan that are among ``able`` and worth measuring."""
        wanted = [p for p in plan.precisions if p in able]
        chosen = [p for p in wanted if self.runs(p, plan.device)]
        for precision in set(wanted) - set(chosen):
            plan.note(f'torch is not measured in {precision}: it is slow on {plan.device}.')
        return chosen

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        """Yields ways from normalised crops to heatmaps."""
        yield from ()

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        """Yields ways from a folder of pictures with boxes to keypoints."""
        yield from ()

    def train(self, plan: Plan) -> Iterator[Way]:
        """Yields training steps, in all precisions of the plan."""
        yield from ()

    def decode(self, plan: Plan) -> Iterator[Way]:
        """Yields ways from heatmaps to keypoints."""
        yield from ()
