"""What is trained on a new dataset: one class for each kind of model.

A plan gives the function that the config calls, its arguments, and sentences for the user.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from vitpose_plus.experiments.new_dataset import sizing
from vitpose_plus.experiments.new_dataset.folder import NewDataset
from vitpose_plus.experiments.new_dataset.sizing import InitialWeights, Machine, Sized
from vitpose_plus.experiments.new_dataset.trained_parts import TrainedParts


class Plan(ABC):
    """What is trained.

    Attributes:
        function: The function of ``experiments`` that the config calls.
    """

    function: str

    @abstractmethod
    def arguments(self, new: NewDataset, machine: Machine) -> dict[str, Sized]:
        """Returns the arguments of the function, with reasons."""

    def notes(self) -> Iterator[str]:
        """Yields sentences that the user must read before the training."""
        yield from ()


@dataclass(frozen=True)
class PlainModel(Plan):
    """A plain model of the dataset.

    Attributes:
        start: The initial weights; None: random.
    """

    start: InitialWeights | None
    function = 'own_dataset_config'

    def arguments(self, new: NewDataset, machine: Machine) -> dict[str, Sized]:
        look = new.look
        boxes_wh = new.boxes_wh()
        return sizing.size_training(boxes_wh, look.pixels, look.parts, self.start, machine)


@dataclass(frozen=True)
class NewExpert(Plan):
    """One expert and one head on the shared weights of a trained ViTPose+.

    Attributes:
        of: The config of the ViTPose+, as the new config names it.
        checkpoint: Its weights, as the new config names them.
        train: The value of ``--train``.
        parts: The parts of the backbone that are trained.
        numbers: The number of trained parameters of the backbone, and of all of them.
        like: The dataset that the training starts from; None: the mean of all experts.
        like_has_head: Whether the checkpoint has a head of that dataset.
    """

    of: str
    checkpoint: str
    train: str
    parts: TrainedParts
    numbers: tuple[int, int]
    like: str | None = None
    like_has_head: bool = False
    function = 'expert_dataset_config'

    def arguments(self, new: NewDataset, machine: Machine) -> dict[str, Sized]:
        lr = Sized(self.parts.lr, f'the largest learning rate, for {self.parts.title}')
        number = len(new.boxes_wh())
        return dict(
            of=Sized(self.of, 'the config of the ViTPose+; the input has its size'),
            checkpoint=Sized(self.checkpoint, 'its weights'),
            like=Sized(self.like, self._why_like()),
            train=Sized(self.train, f'{self.parts.title} and the head are trained'),
            **sizing.schedule(number, new.look.parts, True, lr, machine),
        )

    def notes(self) -> Iterator[str]:
        trained, total = self.numbers
        yield f'Trained: {self.parts.title} ({trained:,} of {total:,} parameters) and a new head.'
        if self.parts.can_be_joined:
            yield 'The shared weights stay as they are: `vitpose join` can add the result.'
        else:
            yield 'The shared weights change, so `vitpose join` will refuse the result.'

    def _why_like(self) -> str:
        if self.like is None:
            return 'starts from the mean of all experts, and from a random head'
        head = 'its head' if self.like_has_head else 'a random head, as the file has none of it'
        return f'starts from the expert of {self.like}, and from {head}'
