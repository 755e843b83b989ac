"""Finds and reads the included configs by name, and other configs by path."""

import difflib
import os.path as osp
import traceback
from pathlib import Path

from mmengine.config import Config

from vitpose_plus.errors import UserError, closest, reason
from vitpose_plus.files import about
from vitpose_plus.models.building import deployment_config

CONFIGS = (Path(__file__).parents[1] / '.mim' / 'configs').resolve()
PARTS = ('_base_', 'datasets')  # folders with files that are only parts of configs
IN_FOLDER = 'config.py'  # the config in a folder of ``new-dataset``
NO_MODEL = 'has no model with a backbone: give the config of a model.'


def shipped_configs() -> dict[str, Path]:
    """Returns name -> file of every included config with a model.

    They are sorted by folder: first folders that begin with ``vitpose``, then the others. In a
    folder, short names come first.
    """

    def place(path: Path) -> tuple:
        folder = path.parent.name
        return not folder.startswith('vitpose'), folder, len(path.name), path

    files = sorted(CONFIGS.rglob('*.py'), key=place)
    return {path.stem: path for path in files if path.parent.name not in PARTS}


def find_config(name: str) -> str:
    """Returns the path of a config.

    Args:
        name: A file, a folder with a ``config.py`` (as ``new-dataset`` writes it), or the name of
            an included config, also with .py.
    """
    if osp.isfile(name):
        return name
    if osp.isdir(name):
        return _config_in(name)
    shipped = shipped_configs()
    stem = name.removesuffix('.py')
    if stem not in shipped:
        close = difflib.get_close_matches(osp.basename(stem), shipped, n=3, cutoff=0.3)
        raise UserError(
            f'There is no config {name or repr(name)}: no file and no included config has this '
            f'name{closest(close)}.'
        )
    return str(shipped[stem])


def _config_in(folder: str) -> str:
    path = osp.join(folder, IN_FOLDER)
    if not osp.isfile(path):
        raise UserError(
            f'{folder} is a folder without {IN_FOLDER}: give a folder that `vitpose new-dataset` '
            'wrote, a config file, or the name of an included config.'
        )
    return path


def run_name(name: str) -> str:
    """The name of a training with this config: that of the folder or of the file."""
    path = Path(osp.abspath(name))
    return path.name if path.is_dir() else Path(find_config(name)).stem


def is_dataset_folder(folder: str | Path) -> bool:
    """Whether this is a folder of ``vitpose new-dataset``."""
    return all(osp.isfile(osp.join(folder, name)) for name in (IN_FOLDER, 'dataset.py'))


def read_config(name: str) -> Config:
    """Returns the config of a path or included name, with the model for use after training."""
    cfg = load_config(name, format_python_code=False)
    if 'backbone' not in cfg.model:
        raise UserError(f'{cfg.filename} {NO_MODEL}')
    with about(cfg.filename):
        cfg.model = deployment_config(cfg.model)
    return cfg


def load_config(name: str, format_python_code: bool = True) -> Config:
    """Returns the config of a path or included name, unchanged.

    Args:
        name: Path, or name of an included config.
        format_python_code: Whether its code is formatted when it is dumped, which takes seconds.

    Raises:
        UserError: The config or one of its parents cannot be read, or it has no model.
    """
    path = find_config(name)
    _refuse_circles(path)
    try:
        cfg = Config.fromfile(path, format_python_code=format_python_code)
    except (Exception, SystemExit) as error:  # mmengine can raise any error for an unknown file
        raise UserError(_fault(path, error)) from error
    check_model(cfg)
    return cfg


def check_model(cfg: Config) -> None:
    """Raises a ``UserError`` if there is no model, or if a part of it is not a dict."""
    model = cfg.get('model')
    if not isinstance(model, dict) or 'type' not in model:
        raise UserError(f'{cfg.filename} {NO_MODEL}')
    for part in ('backbone', 'head'):
        if part in model and not isinstance(model[part], dict):
            raise UserError(
                f'{cfg.filename} has model.{part}={model[part]!r}: give a dict of its type and '
                'arguments, or remove it.'
            )


def _refuse_circles(path: str, children: tuple[str, ...] = ()) -> None:
    """Refuses a file that is a parent of its parents: mmengine would read for half a minute."""
    for name, parent in filter(lambda each: osp.exists(each[1]), _parents(path)):
        if any(osp.samefile(parent, each) for each in (*children, path)):
            raise UserError(
                f'{path} has {name} in `_base_`, but is a parent of that file: remove {name} there.'
            )
        _refuse_circles(parent, (*children, path))


def _fault(path: str, error: BaseException) -> str:
    """Returns a sentence about the file that raises an error, or about the parent that does."""
    parents = _parents(path)
    if parents and _is_lazy(path):
        return (
            f'{path} has imports before its `_base_`, so mmengine reads it as a lazy config, which '
            'has no `_base_`: put `_base_` first.'
        )
    for name, parent in parents:
        if not osp.exists(parent):
            return f'{path} has {name} in `_base_`, but {parent} does not exist: correct the path.'
        try:
            Config.fromfile(parent)
        except (Exception, SystemExit) as inner:
            return _fault(parent, inner)
    if isinstance(error, UserError):  # raised by a function that the config calls
        return str(error) if path in str(error) else f'{path}: {error}'
    return f'{path} cannot be read as a config ({_reason(path, error)}): correct it.'


def _parents(path: str) -> list[tuple[str, str]]:
    """Returns the names in ``_base_`` and their files; nothing if ``_base_`` cannot be read."""
    try:
        names = Config._get_base_files(path)
        return [(name, Config._get_cfg_path(name, path)[0]) for name in names]
    except Exception:  # reading the file raises an error with the reason
        return []


def _is_lazy(path: str) -> bool:
    try:
        return Config._is_lazy_import(path)
    except Exception:  # as above
        return False


def _reason(path: str, error: BaseException) -> str:
    """Returns the first line of an error's message, with the line of the config if it is known."""
    if isinstance(error, SyntaxError):
        line, message = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if osp.exists(f.filename) and osp.samefile(f[0], path)]
        if isinstance(error, ImportError) and isinstance(error.__cause__, ImportError):
            error = error.__cause__  # of custom_imports; mmengine's own message lists sys.path
        line, message = next(iter(lines), None), reason(error)
    if _is_lazy(path):
        message += '; mmengine reads it as a lazy config, in which imports are only names'
    return f'line {line}: {message}' if line else message
