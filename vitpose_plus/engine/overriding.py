"""Puts settings of the command line into a config, as mmengine's own scripts do."""

import argparse
import copy
from collections.abc import Sequence

from mmengine.config import Config, DictAction

from vitpose_plus.engine.settings import MISSPELT_RATIO, VARIABLES, runner_keys
from vitpose_plus.errors import UserError
from vitpose_plus.models.arguments import nearest


def override(cfg: Config, options: Sequence[str]) -> None:
    """Puts settings into a config. Each is a text ``KEY=VALUE``, as for mmengine's own scripts.

    Raises:
        UserError: A setting cannot be read, does not fit the value in the config, or would have no
            effect.
    """
    given: dict = {}
    for option in options:
        given |= _parsed(option)
    read = runner_keys(cfg) - {*VARIABLES}
    for key, value in given.items():
        _check_setting(cfg, key, value, read)
    try:
        cfg.merge_from_dict(copy.deepcopy(given))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise UserError(
            f'--cfg-options {_first_misfit(cfg, given)} does not fit the value in {cfg.filename} '
            f'({type(error).__name__}: {error}): correct the key or the value.'
        ) from error


def _parsed(option: str) -> dict:
    parser = argparse.ArgumentParser(prog='--cfg-options')
    parser.add_argument('options', nargs='*', action=DictAction, default={})
    try:
        return parser.parse_args(['--', option]).options
    except (AssertionError, ValueError, RecursionError) as error:
        raise UserError(f'--cfg-options {option} cannot be read ({error}): correct it.') from error


def _check_setting(cfg: Config, key: str, value, read: set[str]) -> None:
    first, *rest = key.split('.')
    if not all([first, *rest]):
        raise UserError(
            f'--cfg-options {key}={value} has no key: give one like model.backbone.drop_path_rate.'
        )
    close = nearest(first, read, 1, MISSPELT_RATIO)
    if first not in read and (close or first in VARIABLES or not _has_own_code(cfg)):
        what = 'only a variable of' if first in cfg else 'not in'
        hint = f'write {close[0]}' if close else 'set the keys that are derived from it'
        raise UserError(
            f'--cfg-options {key} has no effect, as {first} is {what} the config: {hint}.'
        )
    before = cfg
    for word in [first, *rest]:
        if not isinstance(before, dict | Config) or word not in before:
            return
        before = before[word]
    if isinstance(before, dict) and ('type' in before or not rest) and _is_plain(value):
        raise UserError(
            f'--cfg-options {key}={value} would replace a dict: set one of its keys, as '
            f'{key}.{next(iter(before), "type")}.'
        )


def _has_own_code(cfg: Config) -> bool:
    """Whether the config imports modules of the user, which may read any key of the config."""
    given = (cfg.get('custom_imports') or {}).get('imports') or ()
    names = [given] if isinstance(given, str) else given
    return any(name.split('.')[0] not in ('vitpose_plus', 'mmpose', 'mmengine') for name in names)


def _is_plain(value) -> bool:
    return value is not None and not isinstance(value, dict | list | tuple)


def _first_misfit(cfg: Config, given: dict) -> str:
    """Returns the first setting that does not fit on its own, or all of them."""
    for key, value in given.items():
        try:
            copy.deepcopy(cfg).merge_from_dict({key: value})
        except Exception:  # any error that merging all of them can raise
            return f'{key}={value}'
    return ' '.join(f'{key}={value}' for key, value in given.items())
