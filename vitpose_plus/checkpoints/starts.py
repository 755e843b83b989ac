"""Finds the weights that a backbone starts from, in any checkpoint that ``convert`` can read."""

import os
from dataclasses import dataclass, field
from typing import NamedTuple

from vitpose_plus.checkpoints import reading, released
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.experts import count_experts
from vitpose_plus.checkpoints.fetching import fetch, is_url
from vitpose_plus.checkpoints.folding import fold_experts
from vitpose_plus.checkpoints.layouts import LAYOUTS, recognised
from vitpose_plus.checkpoints.layouts.heads import expert_order
from vitpose_plus.checkpoints.layouts.layout import LAYER, State, shortened
from vitpose_plus.errors import UserError, closest
from vitpose_plus.models.archs import ARCHS

OWN = 'vitpose_plus'  # our layout, a key of LAYOUTS
KERNEL, TABLE = 'backbone.patch_embed.weight', 'backbone.pos_embed'


@dataclass(frozen=True)
class Start:
    """The weights of a backbone, and its architecture, as far as they show it.

    Attributes:
        path: The file.
        layout: The layout of the file, a key of ``LAYOUTS``.
        state_dict: The weights of the backbone in our layout, with keys ``backbone.*``. Its experts
            are not folded.
        experts: The datasets of the experts. An expert whose dataset is unknown has its number as
            name. Empty if the FFNs are plain.
        expert: The expert that is folded if a model has no experts: the chosen one, else the first.
            None if the FFNs are plain.
        left_out: The parts of the file that are not used, for a message.
    """

    path: str
    layout: str
    state_dict: State = field(repr=False)
    experts: tuple[str, ...] = ()
    expert: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        return depth_of(self.state_dict)

    @property
    def dim(self) -> int:
        return len(self.state_dict[KERNEL])

    @property
    def arch(self) -> str:
        """The name in ``ARCHS``. The weights do not contain the number of attention heads, so the
        depth and the width must be those of an architecture that has a name."""
        for name, arch in ARCHS.items():
            if (arch.depth, arch.dim) == (self.depth, self.dim):
                return name
        raise UserError(
            f'{self.path} has {self.depth} layers of width {self.dim}, which no named architecture '
            'has, so the number of its attention heads is unknown: write a config with its arch '
            'by hand.'
        )

    @property
    def patch(self) -> dict[str, int]:
        """``kernel_size``, ``stride`` and ``padding`` of the patch projection, in pixels.

        Only the kernel is in the weights. Stride and padding are those of all released weights and
        of our included configs for photographs: no overlap, and a padding of 2 for patches of
        16x16. Smaller patches have no padding.
        """
        side = self.state_dict[KERNEL].shape[-1]
        return dict(kernel_size=side, stride=side, padding=2 if side == 16 else 0)

    def folded(self) -> State:
        """The weights of a plain backbone, in which the expert is folded."""
        if self.expert is None:
            return self.state_dict
        return fold_experts(self.state_dict, self.experts.index(self.expert))


def depth_of(state: State) -> int:
    """The number of layers of a backbone, in our layout."""
    return 1 + max((int(match[1]) for key in state if (match := LAYER.match(key))), default=-1)


def find_start(name: str, expert: str | None = None) -> Start:
    """Reads the backbone of a checkpoint in any layout.

    Args:
        name: A released name, which is downloaded once, or a file, a folder of Hugging Face or a
            URL.
        expert: The dataset whose expert is chosen; by default the first.

    Raises:
        UserError: There is no such file, it has no backbone of a ViTPose, or no such expert.
    """
    path = locate(name)
    state, layout, dropped, experts = read_weights(path)
    own = {key: value for key, value in state.items() if key.startswith('backbone.')}
    if KERNEL not in own or TABLE not in own:
        raise UserError(
            f'{path} has no backbone of a ViTPose in a known layout '
            f'({", ".join(LAYOUTS)}): give another checkpoint.'
        )
    parts = dict.fromkeys(key.split('.')[0] for key in state if key not in own)
    reasons = [f'{shortened(keys)} ({reason})' for reason, keys in dropped.items()]
    chosen = _choose(expert, experts, path)
    return Start(path, layout, own, experts, chosen, (*parts, *reasons))


class Weights(NamedTuple):
    """All weights of a checkpoint, in our layout.

    Attributes:
        state_dict: The weights.
        layout: The layout of the file, a key of ``LAYOUTS``.
        dropped: Reason -> keys of the file that were left out.
        experts: The datasets of the experts, as in ``Start``.
    """

    state_dict: State
    layout: str
    dropped: dict[str, list[str]]
    experts: tuple[str, ...]


def read_weights(path: str) -> Weights:
    """Reads a checkpoint in any layout; a ``UserError`` if it cannot be translated."""
    given = reading.read(path)
    found = [layout for layout in recognised(given) if layout != OWN]
    try:
        # Our layout is not read by its table: a model may have an attention or a head of its own.
        state, dropped = convert(given)[::2] if found else (given, {})
        backbone = {key: value for key, value in state.items() if key.startswith('backbone.')}
        experts = _names_of_experts(state, count_experts(backbone))
    except UserError as error:
        raise UserError(
            f'{path} cannot be a start ({str(error).rstrip(".")}): translate it with python -m '
            'vitpose_plus convert IN OUT --config CONFIG (the config of IN), and give OUT.'
        ) from error
    return Weights(state, found[0] if found else OWN, dropped, experts)


def locate(name: str) -> str:
    """The path of a checkpoint; a released name or URL is downloaded, if this is not done yet."""
    if weights := released.find(name):
        return released.download(weights)
    if is_url(name):
        return fetch(name)
    if not os.path.exists(os.path.expanduser(name)):
        raise UserError(
            f'The checkpoint {name} does not exist, and no released weights have this name'
            f'{closest(released.close_names(name))}: check its path, or see `vitpose weights`.'
        )
    return name


def _names_of_experts(state: State, number: int) -> tuple[str, ...]:
    """The datasets of the experts. Those that the file does not name have their numbers."""
    names = expert_order(state)[:number] if number else []
    return (*names, *map(str, range(len(names), number)))


def _choose(expert: str | None, experts: tuple[str, ...], path: str) -> str | None:
    if expert is None:
        return experts[0] if experts else None
    if not experts:
        raise UserError(f'{path} has no experts: leave --expert {expert} out.')
    if expert not in experts:
        raise UserError(
            f'{path} has no expert {expert!r}: give one of {", ".join(experts)} with --expert.'
        )
    return expert
