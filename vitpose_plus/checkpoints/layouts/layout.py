"""The base class of all layouts: strict translation with a table of names for both directions.

A layout is a way of naming and stacking the same weights. Every translation goes through our
layout: ``read`` translates a state dict into it, ``write`` translates one from it. Every key is
either in the table of names, or in the table of dropped keys with a reason. Any other key is an
error.
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
    """Facts about a model that its state dict does not contain; they come from its config.

    Attributes:
        datasets: Dataset -> keypoints, in the order of the experts. None stands for those of the
            released files.
        grid_hw: The token grid of a position table that is only a list of rows. Without it, the
            grid is computed from the number of rows, if only one grid is possible.
    """

    datasets: Mapping[str, int] | None = None
    grid_hw: tuple[int, int] | None = None


class Reading(NamedTuple):
    """A state dict in our layout, and the keys that were left out: reason -> keys."""

    state: State
    dropped: dict[str, list[str]]


class UnknownKeysError(UserError):
    """Keys that are in no table; ``rest`` is the state dict without them, in our layout."""

    def __init__(self, message: str, rest: State) -> None:
        super().__init__(message)
        self.rest = rest


class Layout:
    """The base class of the layouts.

    Attributes:
        title: The name of the layout in messages.
        signature_keys: Keys that together occur in no other layout.
        names: Names of this layout -> our names; ``*`` stands for one part of a name.
        aliases: More names of this layout -> our names; they are read but not written.
        drops: Names of this layout that our models do not have -> why they are not needed.
        hint: What to do with a model that the layout cannot store.
    """

    title: str
    signature_keys: tuple[str, ...]
    names: dict[str, str]
    aliases: dict[str, str] = {}
    drops: dict[str, str] = {}
    hint = (
        'it has full attention only, without relative positions or prefix tokens, so keep our '
        'layout'
    )

    def recognises(self, state: State) -> bool:
        return all(key in state for key in self.signature_keys)

    def read(self, state: State, facts: Facts) -> Reading:
        """This layout -> ours; a ``UserError`` names the keys that are in no table."""
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
                f'These keys are not in {self.title}: {shortened(unknown)}.', reading.state
            )
        return reading

    def check_complete(self, renamed: State) -> None:
        """Raises a ``UserError`` unless every part of every layer and of the model is there."""
        numbers = [int(m[1]) for key in renamed if (m := LAYER.match(key))]
        num_layers = max(numbers, default=0) + 1
        patterns = self.required(renamed)
        required = {name for each in patterns for name in expand_pattern(each, num_layers)}
        heads = {HEAD_PART.split(key)[0] for key in renamed if key.startswith('head.')}
        required |= {f'{head}final_layer.{end}' for head in heads for end in ('weight', 'bias')}
        if missing := sorted(required - set(renamed)):
            raise UserError(
                f'The file is not complete as {self.title}: it has nothing for '
                f'{shortened(missing)}; check --source, or download it again.'
            )

    def required(self, renamed: State) -> set[str]:
        """Our names, with ``*``, that a complete backbone has."""
        names = {name for name in self.names.values() if name.startswith('backbone.')}
        return {name for name in names if '.experts.' not in name}

    def write(self, state: State) -> State:
        """Our layout -> this one; a ``UserError`` names the keys that have no name in this one."""
        rename = translator({own: name for name, own in self.names.items()})
        state = self.from_ours(state)
        unmapped = [key for key in state if rename(key) is None]
        if unmapped:
            is_common = any('.attention.' in key or '.prefix_' in key for key in unmapped)
            raise UserError(
                f'{shortened(unmapped)} cannot be stored in {self.title}: '
                f'{Layout.hint if is_common else self.hint}.'
            )
        return {rename(key): value for key, value in state.items()}

    def leftovers(self, state: State) -> dict[str, str]:
        """More ``drops`` that depend on the file."""
        return {}

    def to_ours(self, state: State, facts: Facts) -> State:
        """Changes the renamed weights that differ from ours in more than the name."""
        raise NotImplementedError

    def from_ours(self, state: State) -> State:
        """The opposite of ``to_ours``."""
        raise NotImplementedError


def translator(names: Mapping[str, str]) -> Callable[[str], str | None]:
    """Returns a function that renames a key by ``names``, or returns None if the key is not there.

    The parts of the key at the ``*`` are copied into the new name.
    """
    table = []
    for given, target in names.items():
        pattern = re.compile(re.escape(given).replace(r'\*', r'([^.]+)'))
        table.append((pattern, target.split('*')))

    def look_up(key: str) -> str | None:
        for pattern, target in table:
            if match := pattern.fullmatch(key):
                parts = match.groups() if len(target) > 1 else ()
                return ''.join(a + b for a, b in zip(target, [*parts, ''], strict=True))
        return None

    return look_up


def expand_pattern(pattern: str, num_layers: int) -> list[str]:
    """Our names that a pattern stands for: those of every layer, with weight and bias."""
    names = [pattern]
    if '.layers.' in pattern:
        names = [pattern.replace('*', str(i), 1) for i in range(num_layers)]
    if pattern.endswith('.*'):
        names = [name.replace('*', end) for name in names for end in ('weight', 'bias')]
    return names


def shortened(keys: list[str], limit: int = 3) -> str:
    """The first keys by name, and the number of the others."""
    more = f' and {len(keys) - limit} more keys' if len(keys) > limit else ''
    return ', '.join(map(repr, keys[:limit])) + more
