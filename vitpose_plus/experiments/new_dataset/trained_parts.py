"""What a training of one new expert changes: one class for each value of ``--train``."""

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import nn

from vitpose_plus.errors import UserError, closest
from vitpose_plus.models.ffn import ExpertLinear


class TrainedParts(ABC):
    """The parts of a backbone that are trained.

    Attributes:
        can_be_joined: Whether all shared weights stay as they are, so that ``join`` takes the
            result.
        lr: The largest learning rate.
        title: What is trained, for a message; the head is always trained, too.
    """

    can_be_joined: bool
    lr: float
    title: str

    @abstractmethod
    def trained(self, backbone: nn.Module) -> set[str]:
        """The names of the trained parameters of a backbone."""

    def frozen(self, backbone: nn.Module) -> list[str]:
        """Returns the argument ``frozen`` of a ``ViT`` that trains only these parts.

        Args:
            backbone: The backbone, which may be on the meta device.

        Raises:
            UserError: The names of its parameters do not tell the parts apart.
        """
        own = {name.split('.')[0] for name, _ in backbone.named_parameters()}
        trained = self.trained(backbone)
        used = {part for name in trained for part in _parts(name, own)}
        found = {}
        for name, _ in backbone.named_parameters():
            if name not in trained:
                parts = [part for part in _parts(name, own) if part not in used]
                if not parts:
                    raise UserError(
                        f'The parameter {name} cannot be frozen by a part of its name while '
                        f'{self.title} is trained: give another --train.'
                    )
                found[parts[0]] = None
        return list(found)


class Expert(TrainedParts):
    """The expert alone."""

    can_be_joined = True
    lr = 1e-2
    title = 'the expert'

    def trained(self, backbone: nn.Module) -> set[str]:
        return _names(backbone, ExpertLinear)


class ExpertAndNorms(TrainedParts):
    """The expert and all layer norms."""

    can_be_joined = False
    lr = 1e-2
    title = 'the expert and the layer norms'

    def trained(self, backbone: nn.Module) -> set[str]:
        return _names(backbone, (ExpertLinear, nn.LayerNorm))


class LastLayers(TrainedParts):
    """The last layers with their experts, and the final norm.

    Args:
        number: The number of layers.
    """

    can_be_joined = False
    lr = 3e-3

    def __init__(self, number: int) -> None:
        self.number = number
        self.title = f'the last {number} layers' if number > 1 else 'the last layer'

    def trained(self, backbone: nn.Module) -> set[str]:
        depth = len(backbone.layers)
        if not 1 <= self.number <= depth:
            raise UserError(
                f'--train last-{self.number}: the model has {depth} layers: give last-1 to '
                f'last-{depth}.'
            )
        parts = {f'layers.{depth - 1 - back}' for back in range(self.number)} | {'norm'}
        return {f'{part}.{n}' for part in parts for n in _parameters(backbone, part)}


PARTS: dict[str, type[TrainedParts]] = {'expert': Expert, 'expert+norms': ExpertAndNorms}
LAST = re.compile(r'last-(\d+)')


def trained_parts(word: str) -> TrainedParts:
    """Returns the parts of a value of ``--train``; a ``UserError`` if it is unknown."""
    if match := LAST.fullmatch(word):
        return LastLayers(int(match[1]))
    if word not in PARTS:
        close = closest(difflib.get_close_matches(word, [*PARTS, 'last-1'], n=1))
        raise UserError(
            f'--train {word} is not known{close}: give {", ".join(PARTS)}, or last-N for the last '
            'N layers.'
        )
    return PARTS[word]()


def _parts(name: str, own: set[str]) -> Iterator[str]:
    """The parts of a parameter's name by which a ``ViT`` can freeze it."""
    first, *others = name.split('.')
    yield first
    yield from (part for part in others if part not in own)


def _names(backbone: nn.Module, kinds: type | tuple[type, ...]) -> set[str]:
    return {
        f'{name}.{parameter}'
        for name, module in backbone.named_modules()
        if isinstance(module, kinds)
        for parameter, _ in module.named_parameters(recurse=False)
    }


def _parameters(backbone: nn.Module, part: str) -> list[str]:
    return [name for name, _ in backbone.get_submodule(part).named_parameters()]
