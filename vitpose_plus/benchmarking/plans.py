"""What is measured, and how."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from mmengine.config import Config

from vitpose_plus.benchmarking.pictures import Pictures, write_pictures
from vitpose_plus.benchmarking.subjects import Subject
from vitpose_plus.benchmarking.ways import Role, Run, Way


@dataclass
class Plan:
    """What is measured, and how.

    Attributes:
        subject: The model.
        batch: The crops of a batch in ``forward``, ``train`` and ``load``.
        precisions: The precisions that are measured, where a way has them.
        device: The device.
        rounds: The number of times that every way is timed.
        pictures: The number of pictures in ``predict``.
        folder: A temporary folder.
        calibrate: The config whose training data calibrates int8; None: that of the model.
        notes: Sentences about what could not be measured; contenders add to them.
        on_message: A function that is called with a sentence before every step that takes long.
    """

    subject: Subject
    batch: int
    precisions: tuple[str, ...]
    device: torch.device
    rounds: int
    pictures: int
    folder: Path
    calibrate: Config | None = None
    notes: list[str] = field(default_factory=list)
    on_message: Callable[[str], None] = field(default=lambda text: None, repr=False)

    def note(self, text: str) -> None:
        """Adds a sentence to the notes once."""
        if text not in self.notes:
            self.notes.append(text)

    @cached_property
    def written_pictures(self) -> Pictures:
        """The pictures of ``predict``, which are written once."""
        return write_pictures(self.folder / 'predict', self.pictures)

    def forward_way(
        self,
        name: str,
        precision: str,
        run: Run,
        count: int | None = None,
        role: Role = Role.OURS,
    ) -> Way:
        """A way that runs the network on ``count`` crops; by default on one batch."""
        samples = count or self.batch
        return Way(name, precision, run, samples, samples * self.subject.flops, role)

    def training_way(self, name: str, precision: str, run: Run, role: Role = Role.OURS) -> Way:
        """A way that trains the network on one batch."""
        flops = self.batch * self.subject.training_flops
        return Way(name, precision, run, self.batch, flops, role)
