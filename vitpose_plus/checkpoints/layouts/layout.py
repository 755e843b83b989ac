"""What all layouts share: a table of names for both directions, and strictness.

A layout is a way of naming and stacking the same weights. Everything is translated through ours:
``read`` brings a state dict into it, ``write`` takes one back. Every key is either in the table, or
in the layout's list of what is dropped, with the reason; any other key is an error.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from vitpose_plus.errors import UserError

State = dict[str, Tensor]
HEAD_PART = re.compile(r'(?:deconv_layers|final_layer)\.')
LAYER = re.compile(r'backbone\.layers\.(\d+)\.')


class Facts(NamedTuple):
    """What a state dict does not say about its model, from a config or from the released files.

    Attributes:
        datasets: Dataset -> keypoints, in the order of the experts; else the released ones.
        grid_hw: The rectangle of a position table that is a mere list of rows; else it is guessed
            where the number of rows leaves no doubt.
    """

    datasets: Mapping[str, int] | None = None
    grid_hw: tuple[int, int] | None = None


class Reading(NamedTuple):
    """A state dict in our layout, and the keys of the source that are not in it, by reason."""

    state: State
    dropped: dict[str, list[str]]


class UnknownKeysError(UserError):
    """Keys without a place; ``rest`` is the state dict without them, in our layout if it can be."""

    def __init__(self, message: str, rest: State) -> None:
        super().__init__(message)
        self.rest = rest


class Layout:
    """One source of checkpoints.

    Attributes:
        title: How the layout is called in messages.
        signature_keys: Keys that together occur in no other layout.
        names: Their names -> ours; ``*`` is one part of a name.
        aliases: More names of theirs -> ours, which are read but not written.
        drops: Names of theirs that no model of ours has -> why they are not needed.
        hint: What to do with a model that the layout cannot hold.
    """

    title: str
    signature_keys: tuple[str, ...]
    names: dict[str, str]
    aliases: dict[str, str] = {}
    drops: dict[str, str] = {}
    hint = (
        'full attention without relative positions or prefix tokens is all it knows, so stay with '
        'ours'
    )

    def recognises(self, state: State) -> bool:
        return all(key in state for key in self.signature_keys)

    def read(self, state: State, facts: Facts) -> Reading:
        """Theirs -> ours; a ``UserError`` names the keys that are in no table."""
        drops = {**self.drops, **self.leftovers(state)}
        rename = translator({**self.names, **self.aliases})
        why_dropped = translator(drops)
        renamed, dropped, unknown = {}, {}, []
        for key, value in state.items():
            if (reason := why_dropped(key)) is not None:
                dropped.setdefault(reason, []).append(key)
            elif (name := rename(key)) is not None:
                renamed[name] = value
            else:
                unknown.append(key)
        self.check_complete(renamed)
        finals = {key: len(v) for key, v in renamed.items() if '.final_layer.' in key}
        reading = Reading(self.to_ours(renamed, facts), dropped)
        if sum(finals.values()) > sum(len(v) for k, v in reading.state.items() if 'final_' in k):
            dropped["rows of final layers beyond their datasets' keypoints"] = list(finals)
        if unknown:
            raise UnknownKeysError(
                f'There is no place for {shortened(unknown)} in {self.title}.', reading.state
            )
        return reading

    def check_complete(self, renamed: State) -> None:
        """Raises a ``UserError`` unless every layer has every part, and so has the rest."""
        numbers = [int(m[1]) for key in renamed if (m := LAYER.match(key))]
        num_layers = max(numbers, default=0) + 1
        patterns = self.wanted(renamed)
        wanted = {name for each in patterns for name in expand_pattern(each, num_layers)}
        heads = {HEAD_PART.split(key)[0] for key in renamed if key.startswith('head.')}
        wanted |= {f'{head}final_layer.{end}' for head in heads for end in ('weight', 'bias')}
        if lacking := sorted(wanted - set(renamed)):
            raise UserError(
                f'The file is not whole as {self.title}: it has nothing for '
                f'{shortened(lacking)}; check --source, or download it again.'
            )

    def wanted(self, renamed: State) -> set[str]:
        """Names of ours, with ``*``, that a whole backbone has."""
        names = {name for name in self.names.values() if name.startswith('backbone.')}
        return {name for name in names if '.experts.' not in name}

    def write(self, state: State) -> State:
        """Ours -> theirs; a ``UserError`` names the keys that the layout cannot hold."""
        rename = translator({ours: theirs for theirs, ours in self.names.items()})
        state = self.from_ours(state)
        unmapped = [key for key in state if rename(key) is None]
        if unmapped:
            odd = any('.attention.' in key or '.prefix_' in key for key in unmapped)
            raise UserError(
                f'There is no room for {shortened(unmapped)} in {self.title}: '
                f'{Layout.hint if odd else self.hint}.'
            )
        return {rename(key): value for key, value in state.items()}

    def leftovers(self, state: State) -> dict[str, str]:
        """More ``drops``, of this one file."""
        return {}

    def to_ours(self, state: State, facts: Facts) -> State:
        """What renaming alone does not do."""
        raise NotImplementedError

    def from_ours(self, state: State) -> State:
        """The opposite of ``to_ours``."""
        raise NotImplementedError


def translator(names: Mapping[str, str]) -> Callable[[str], str | None]:
    """A function that looks a key up in ``names``, parts named ``*`` carried over; else None."""
    table = []
    for given, wanted in names.items():
        pattern = re.compile(re.escape(given).replace(r'\*', r'([^.]+)'))
        table.append((pattern, wanted.split('*')))

    def look_up(key: str) -> str | None:
        for pattern, wanted in table:
            if match := pattern.fullmatch(key):
                parts = match.groups() if len(wanted) > 1 else ()
                return ''.join(a + b for a, b in zip(wanted, [*parts, ''], strict=True))
        return None

    return look_up


def expand_pattern(pattern: str, num_layers: int) -> list[str]:
    """The names of ours that a pattern stands for: of every layer, the weight and the bias."""
    names = [pattern]
    if '.layers.' in pattern:
        names = [pattern.replace('*', str(i), 1) for i in range(num_layers)]
    if pattern.endswith('.*'):
        names = [name.replace('*', end) for name in names for end in ('weight', 'bias')]
    return names


def shortened(keys: list[str], limit: int = 3) -> str:
    """The first keys by name, the others by number."""
    more = f' and {len(keys) - limit} more keys' if len(keys) > limit else ''
    return ', '.join(map(repr, keys[:limit])) + more
