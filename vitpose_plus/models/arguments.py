"""Compares the arguments that a config gives to a class with those that the class takes.

Doubtful cases are not reported. A class whose constructor takes ``**others`` is checked only if it
passes them unchanged to its base class. The base class is then checked in the same way.
"""

import ast
import difflib
import inspect
import textwrap
import types
import typing
from collections.abc import Collection, Iterator
from functools import cache

from mmengine.hooks import CheckpointHook
from mmengine.registry import Registry
from mmengine.runner import Runner

from vitpose_plus.errors import closest

Names = dict[str, typing.Any]  # name of an argument -> its annotation
NUMBERS = (int, float, bool, types.NoneType)
NOT_NUMBERS = (str, dict, list, tuple)
# Class -> the function to which it passes ``**others`` later.
RECEIVERS = {CheckpointHook: Runner.save_checkpoint}
BUILDER_KEYS = ('type', '_scope_')


def wrong_arguments(
    value: dict,
    where: str,
    registry: Registry,
    more: Collection[str] = (),
    default: str | None = None,
) -> Iterator[str]:
    """Yields a sentence for each mistake: a class that is not registered, or a wrong argument.

    Args:
        value: The dict of the config, with ``type`` and the arguments of the class.
        where: The place of this dict in the config, with dots.
        registry: The registry of the class.
        more: Further keys that are allowed: they are removed before the class is built.
        default: The class of a dict without ``type``.
    """
    kind = value.get('type', default)
    if kind is None:
        yield f'{where} has no type: give the name of a class, or take it out.'
        return
    if not isinstance(kind, str) and not callable(kind):
        yield f'{where}.type is {kind!r}: give the name of a class.'
        return
    found = registered(kind, registry, value.get('_scope_'))
    if found is None:
        close = nearest_classes(kind.rsplit('.')[-1], all_names(registry))
        yield (
            f'{where}.type is {kind}, which is no registered {registry.name}{closest(close)}: '
            'correct it, or import its module by custom_imports.'
        )
        return
    taken = accepted(found)
    name = getattr(found, '__name__', str(found))
    for key, given in value.items():
        if taken is None or key in BUILDER_KEYS or key in more:
            continue
        if key not in taken:
            yield not_taken(f'{where}.{key}', name, {**taken, **dict.fromkeys(more)})
        elif is_no_number(given, taken[key]):
            yield f'{where}.{key} is {given!r}, but {name} takes a number: correct it.'
        elif is_only_number(given, taken[key]):
            yield f'{where}.{key} is {given!r}, but {name} takes no number: correct it.'


def not_taken(where: str, name: str, taken: Collection[str]) -> str:
    """The sentence about a wrong argument.

    Args:
        where: The place of the argument in the config, with dots; its last part is the argument.
        name: The name of the class.
        taken: The arguments that the class takes.
    """
    place, key = where.rsplit('.', 1)
    if key == '_delete_':
        return f'{place} has _delete_, but no base has anything there: take _delete_ out.'
    close = nearest(key, taken)
    known = f'the nearest is {" or ".join(close)}' if close else f'it takes {", ".join(taken)}'
    return f'{where} is no argument of {name} ({known}): correct the name, or take it out.'


def registered(kind: str | type, registry: Registry, scope: str | None = None):
    """The registered class or function of this name, or None."""
    if not isinstance(kind, str):
        return kind
    with registry.switch_scope_and_registry(scope) as here:
        try:
            return here.get(kind)
        except Exception:  # a name with dots is imported, which can raise any error
            return None


def all_names(registry: Registry) -> set[str]:
    """The names in a registry and in its parents (mmpose's registry has mmengine's as parent)."""
    names = set(registry.module_dict)
    return names | all_names(registry.parent) if registry.parent else names


def nearest(name: str, known: Collection[str], number: int = 3, cutoff: float = 0.6) -> list[str]:
    """The known names with the most similar spelling, the nearest first; case is ignored."""
    spelt = {each.lower(): each for each in sorted(known, reverse=True)}
    close = difflib.get_close_matches(str(name).lower(), spelt, number, cutoff)
    return [spelt[each] for each in close]


def nearest_classes(name: str, known: Collection[str]) -> list[str]:
    """As ``nearest``, and also names that start with ``name``, or are the start of ``name``."""
    word = name.lower()
    shorter = [each for each in known if len(each) > 2 and word.startswith(each.lower())]
    longer = [each for each in known if each.lower().startswith(word)]
    return [*dict.fromkeys([*nearest(name, known), *sorted(shorter), *sorted(longer)])][:3]


@cache
def accepted(found) -> Names | None:
    """The names of all arguments of a class or function, or None if they are uncertain."""
    if not inspect.isclass(found):
        return _names(found) if inspect.isfunction(found) and not _rest(found) else None
    names: Names = {}
    for kind in found.__mro__[:-1]:
        if '__init__' not in vars(kind):
            continue
        own = vars(kind)['__init__']
        if not inspect.isfunction(own) or hasattr(own, '__wrapped__'):  # may rename them
            return None
        names = _names(own) | names
        if (rest := _rest(own)) is None:
            return names
        if kind in RECEIVERS:
            return _names(RECEIVERS[kind]) | names
        if not _passes_on(own, rest):
            return None
    return None


def _names(function: types.FunctionType) -> Names:
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # an annotation that cannot be evaluated at run time
        hints = {}
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters.values()
    names = {p.name: hints.get(p.name, typing.Any) for p in parameters if p.kind in kinds}
    return {name: hint for name, hint in names.items() if name != 'self'}


def _rest(function: types.FunctionType) -> str | None:
    """The name of the parameter with ``**``, or None."""
    parameters = inspect.signature(function).parameters.values()
    return next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)


def _passes_on(function: types.FunctionType, rest: str) -> bool:
    """Whether ``**rest`` is passed unchanged to ``super().__init__``, and used nowhere else."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return False
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == rest]
    passed = [
        keyword.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == 'super().__init__'
        for keyword in call.keywords
        if keyword.arg is None
    ]
    return len(uses) == 1 and uses[0] in passed


def is_no_number(value, hint) -> bool:
    """Whether a text or a container is given, but only numbers are allowed."""
    kinds = _kinds(hint)
    return kinds <= {*NUMBERS} and kinds != {types.NoneType} and isinstance(value, NOT_NUMBERS)


def is_only_number(value, hint) -> bool:
    """Whether a number is given, but only texts, lists or dicts are allowed."""
    kinds = _kinds(hint) - {types.NoneType}
    return bool(kinds) and kinds <= {str, dict, list} and isinstance(value, int | float)


def _kinds(hint) -> set:
    """The types in a hint, without the types of their items: ``list[int]`` counts as ``list``."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return {typing.get_origin(h) or h for h in (typing.get_args(hint) if union else (hint,))}
