"""The configs that come with the package, found by name."""

import difflib
import os.path as osp
from pathlib import Path

from mmengine.config import Config

from vitpose_plus.errors import UserError
from vitpose_plus.models.building import deployment_config

CONFIGS = (Path(__file__).parents[1] / '.mim' / 'configs').resolve()
PARTS = ('_base_', 'datasets')  # folders of what configs are made of


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
    shipped = shipped_configs()
    stem = name.removesuffix('.py')
    if stem not in shipped:
        close = difflib.get_close_matches(osp.basename(stem), shipped, n=3, cutoff=0.3)
        raise UserError(
            f'There is no config {name}, neither as a file nor by that name among the '
            f'shipped ones; the closest are {", ".join(close) or "none"}.'
        )
    return str(shipped[stem])


def read_config(name: str) -> Config:
    """The config of that path or shipped name, with the model that a training leaves."""
    path = find_config(name)
    try:
        cfg = Config.fromfile(path, format_python_code=False)
    except Exception as error:  # whatever a stranger's file makes mmengine raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f'{path} cannot be read as a config ({reason}): correct it.') from error
    if 'backbone' not in cfg.get('model', {}):
        raise UserError(f'{path} has no model with a backbone: give the config of a model.')
    cfg.model = deployment_config(cfg.model)
    return cfg
