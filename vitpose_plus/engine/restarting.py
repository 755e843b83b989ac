"""Decides whether a training starts anew or resumes, before anything is written."""

import os.path as osp
from pathlib import Path

from mmengine.config import Config

from vitpose_plus.checkpoints import work_dirs
from vitpose_plus.checkpoints.fetching import fetch, is_url
from vitpose_plus.checkpoints.work_dirs import BEST_COPY
from vitpose_plus.engine.best_copy import has_best_copy
from vitpose_plus.errors import UserError


def choose_start(cfg: Config, resume: str | None = None, force: bool = False) -> list[str]:
    """Sets ``resume`` and ``load_from`` of a config, and returns sentences about it for the log.

    Args:
        cfg: The config of a training; changed in place.
        resume: The checkpoint to resume from. ``auto``: the newest complete checkpoint in the
            training folder. None: as the config sets it.
        force: Whether checkpoints of the folder may be removed (``remove_checkpoints``).

    Raises:
        UserError: The training would replace checkpoints in the folder without ``force``, or all
            checkpoints in the folder are damaged or incomplete.
    """
    if resume is None and cfg.get('resume'):
        resume = cfg.get('load_from') or 'auto'
    folder, template = checkpoint_folder(cfg)
    if resume == 'auto' and force:
        raise UserError(
            '--force removes the checkpoints that --resume needs: give only one of the two options.'
        )
    notes = []
    if resume == 'auto':
        newest = work_dirs.newest_whole(folder, template)
        if newest.path:
            cfg.resume, cfg.load_from = True, str(newest.path)
            skipped = [f'Skipped: {each}.' for each in newest.passed_over]
            return [*skipped, f'Resumes from {newest.path}, iteration {newest.iteration}.']
        cfg.resume = False
        notes = [f'There is no checkpoint in {folder} yet: the training begins.']
    elif resume:
        resume = fetch(resume) if is_url(resume) else resume
        work_dirs.check_resumable(resume)
        cfg.resume, cfg.load_from = True, str(resume)
    if not force and (replaced := _replaced(cfg)):
        raise UserError(
            f'{folder} holds checkpoints ({replaced[-1].name}) that this training would replace: '
            'resume from the newest with --resume, remove them with --force, or give another '
            '--work-dir.'
        )
    return notes


def checkpoint_folder(cfg: Config) -> tuple[Path, str | None]:
    """Returns the folder for the checkpoints of a training, and the template of their names."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    folder, given = Path(cfg.work_dir), hook.get('out_dir')
    if given and '://' in str(given):
        raise UserError(
            f'out_dir is {given}, but checkpoints are only found in local folders: give the '
            'checkpoint to resume from with --resume CHECKPOINT.'
        )
    if given and str(given) != osp.abspath(cfg.work_dir):  # as in mmengine's hook
        folder = Path(given) / osp.basename(osp.normpath(cfg.work_dir))
    return folder, hook.get('filename_tmpl')


def remove_checkpoints(cfg: Config) -> None:
    """Removes the checkpoints that a training would replace, and the files that name
    the newest and the best."""
    for path in _replaced(cfg):
        path.unlink(missing_ok=True)
    (Path(cfg.work_dir) / work_dirs.POINTER).unlink(missing_ok=True)
    if has_best_copy(cfg) and not cfg.get('resume'):
        (Path(cfg.work_dir) / BEST_COPY).unlink(missing_ok=True)


def _replaced(cfg: Config) -> list[Path]:
    """Returns all checkpoints of the training; when it resumes, only those after its start."""
    folder, template = checkpoint_folder(cfg)
    found = work_dirs.own_checkpoints(folder, template)
    start = Path(cfg.load_from) if cfg.get('resume') and cfg.get('load_from') else None
    if start and start.resolve().parent == folder.resolve():
        return work_dirs.later_than(start, found)
    return found
