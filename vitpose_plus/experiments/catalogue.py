"""The configs that come with the package, found by name."""

import difflib
import os.path as osp
import traceback
from pathlib import Path

from mmengine.config import Config

from vitpose_plus.errors import UserError, reason
from vitpose_plus.files import about
from vitpose_plus.models.building import deployment_config

CONFIGS = (Path(__file__).parents[1] / '.mim' / 'configs').resolve()
PARTS = ('_base_', 'datasets')  # folders of what configs are made of
NO_MODEL = 'has no model with a backbone: give the config of a model.'


def shipped_configs() -> dict[str, Path]:
    """Name -> file of every config that is an experiment: folder by folder, those of the plain
    models before their variations, and in a folder short names first."""

    def place(path: Path) -> tuple:
        folder = path.parent.name
        return not folder.startswith('vitpose'), folder, len(path.name), path

    files = sorted(CONFIGS.rglob('*.py'), key=place)
    return {path.stem: path for path in files if path.parent.name not in PARTS}


def find_config(name: str) -> str:
    """``name`` if it is a file, else the shipped config of that name (with or without .py)."""
    if osp.isfile(name):
        return name
    if osp.isdir(name):
        raise UserError(f'{name} is a folder: give a config file, or the name of a shipped one.')
    shipped = shipped_configs()
    stem = name.removesuffix('.py')
    if stem not in shipped:
        close = difflib.get_close_matches(osp.basename(stem), shipped, n=3, cutoff=0.3)
        raise UserError(
            f'There is no config {name or repr(name)}, neither as a file nor by that name among '
            f'the shipped ones; the closest are {", ".join(close) or "none"}.'
        )
    return str(shipped[stem])


def read_config(name: str) -> Config:
    """The config of that path or shipped name, with the model that a training leaves."""
    cfg = load_config(name, format_python_code=False)
    if 'backbone' not in cfg.model:
        raise UserError(f'{cfg.filename} {NO_MODEL}')
    with about(cfg.filename):
        cfg.model = deployment_config(cfg.model)
    return cfg


def load_config(name: str, format_python_code: bool = True) -> Config:
    """The config of that path or shipped name, as it is written.

    Args:
        name: Path or shipped name.
        format_python_code: Whether it is laid out when it is written again, which takes seconds.

    Raises:
        UserError: It cannot be read, or one of its parents; or it has no model.
    """
    path = find_config(name)
    _refuse_circles(path)
    try:
        cfg = Config.fromfile(path, format_python_code=format_python_code)
    except (Exception, SystemExit) as error:  # whatever a stranger's file makes mmengine raise
        raise UserError(_fault(path, error)) from error
    check_model(cfg)
    return cfg


def check_model(cfg: Config) -> None:
    """Raises a ``UserError`` if there is no model, or a part of it is no dict."""
    model = cfg.get('model')
    if not isinstance(model, dict) or 'type' not in model:
        raise UserError(f'{cfg.filename} {NO_MODEL}')
    for part in ('backbone', 'head'):
        if part in model and not isinstance(model[part], dict):
            raise UserError(
                f'{cfg.filename} has model.{part}={model[part]!r}: give a dict of its type and '
                'arguments, or take it out.'
            )


def _refuse_circles(path: str, children: tuple[str, ...] = ()) -> None:
    """No file may be a parent of its parents: mmengine would read on for half a minute."""
    for name, parent in filter(lambda each: osp.exists(each[1]), _parents(path)):
        if any(osp.samefile(parent, each) for each in (*children, path)):
            raise UserError(
                f'{path} has {name} in `_base_`, of which it is a parent itself: take it out.'
            )
        _refuse_circles(parent, (*children, path))


def _fault(path: str, error: BaseException) -> str:
    """What is wrong with a file that raises an error, or with the parent that is the cause."""
    parents = _parents(path)
    if parents and _is_lazy(path):
        return (
            f'{path} imports before its `_base_`, so that mmengine takes it for one of its lazy '
            'configs, which have no `_base_`: put `_base_` first.'
        )
    for name, parent in parents:
        if not osp.exists(parent):
            return f'{path} has {name} in `_base_`, but {parent} does not exist: correct the path.'
        try:
            Config.fromfile(parent)
        except (Exception, SystemExit) as inner:
            return _fault(parent, inner)
    if isinstance(error, UserError):  # of a function that the config calls
        return str(error) if path in str(error) else f'{path}: {error}'
    return f'{path} cannot be read as a config ({_reason(path, error)}): correct it.'


def _parents(path: str) -> list[tuple[str, str]]:
    """The names in ``_base_``, and their files; none where that cannot be read."""
    try:
        names = Config._get_base_files(path)
        return [(name, Config._get_cfg_path(name, path)[0]) for name in names]
    except Exception:  # reading the file has raised the reason
        return []


def _is_lazy(path: str) -> bool:
    try:
        return Config._is_lazy_import(path)
    except Exception:  # as above
        return False


def _reason(path: str, error: BaseException) -> str:
    """The first line of an error's message, with the line of the config where Python knows it."""
    if isinstance(error, SyntaxError):
        line, message = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if osp.exists(f.filename) and osp.samefile(f[0], path)]
        if isinstance(error, ImportError) and isinstance(error.__cause__, ImportError):
            error = error.__cause__  # of custom_imports; mmengine's own lists all of sys.path
        line, message = next(iter(lines), None), reason(error)
    if _is_lazy(path):
        message += '; mmengine takes it for a lazy config, in which imports are only names'
    return f'line {line}: {message}' if line else message
