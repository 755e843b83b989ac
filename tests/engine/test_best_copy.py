"""``best.pth`` is the newest best checkpoint, complete at every moment."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub

from vitpose_plus.checkpoints.work_dirs import newest_whole, own_checkpoints
from vitpose_plus.engine import BestCopyHook, WholeCheckpointHook, best_copy
from vitpose_plus.engine.restarting import remove_checkpoints


@pytest.fixture
def runner(tmp_path):
    """The parts of a runner that the hook uses; ``w`` is the training folder."""
    saver = CheckpointHook()
    saver.file_backend, saver.out_dir = LocalBackend(), str(tmp_path / 'w')
    (tmp_path / 'w').mkdir()
    warnings = []
    return SimpleNamespace(
        work_dir=saver.out_dir,
        hooks=[saver],
        message_hub=MessageHub('best copy'),
        iter=6,
        logger=SimpleNamespace(warning=warnings.append),
        warnings=warnings,
    )


def save_best(runner, name, content, key='best_ckpt', folder=None):
    """What the hook that saves does, with a text in place of weights."""
    path = Path(folder or runner.work_dir) / name
    path.write_text(content)
    runner.message_hub.update_info(key, str(path))
    return path


def copy_of(runner):
    return Path(runner.work_dir) / 'best.pth'


def test_it_follows_the_best_checkpoint(runner):
    hook = BestCopyHook()
    hook.before_train(runner)
    assert not copy_of(runner).exists()
    for epoch in (1, 3, 10):
        path = save_best(runner, f'best_mouse_EPE_epoch_{epoch}.pth', str(epoch))
        hook.after_val_epoch(runner, {})
        assert copy_of(runner).samefile(path)
    path.unlink()
    assert copy_of(runner).read_text() == '10'
    assert os.listdir(runner.work_dir).count('best.pth') == 1


def test_the_newest_of_several_metrics(runner):
    save_best(runner, 'best_EPE_epoch_9.pth', 'nine', 'best_ckpt_EPE')
    save_best(runner, 'best_AP_epoch_10.pth', 'ten', 'best_ckpt_AP')
    BestCopyHook().after_val_epoch(runner, {})
    assert copy_of(runner).read_text() == 'ten'


def test_a_disk_without_hard_links_has_a_copy(runner, monkeypatch):
    def refuse(*args):
        raise OSError('no links')

    monkeypatch.setattr(os, 'link', refuse)
    path = save_best(runner, 'best_AP_epoch_1.pth', 'one')
    BestCopyHook().after_val_epoch(runner, {})
    assert copy_of(runner).read_text() == 'one'
    assert not copy_of(runner).samefile(path)


def test_it_is_never_half_written_and_a_failure_does_not_end_the_training(runner, monkeypatch):
    hook = BestCopyHook()
    save_best(runner, 'best_AP_epoch_1.pth', 'one')
    hook.after_val_epoch(runner, {})
    save_best(runner, 'best_AP_epoch_2.pth', 'two')

    def write_half(source, target):
        Path(target).write_text('t')
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(best_copy, '_link_or_copy', write_half)
        hook.after_val_epoch(runner, {})
    assert copy_of(runner).read_text() == 'one'
    assert 'best.pth could not be written (No space left' in runner.warnings[0]
    hook.after_val_epoch(runner, {})
    assert copy_of(runner).read_text() == 'two'


def test_a_resumed_training_updates_it_also_in_a_moved_folder(runner, tmp_path):
    (tmp_path / 'old').mkdir()
    path = save_best(runner, 'best_AP_epoch_1.pth', 'one', folder=tmp_path / 'old')
    (tmp_path / 'old').rename(runner.work_dir)
    unfinished = Path(runner.work_dir, '.best.pth.part-killed')
    unfinished.mkdir()
    BestCopyHook().before_train(runner)
    assert copy_of(runner).samefile(Path(runner.work_dir, path.name))
    assert not unfinished.exists()


def test_nothing_is_done_for_other_disks_and_processes(runner, monkeypatch):
    save_best(runner, 'best_AP_epoch_1.pth', 'one')
    runner.hooks[0].file_backend = object()
    BestCopyHook().after_val_epoch(runner, {})
    runner.hooks[0].file_backend = LocalBackend()
    monkeypatch.setattr(best_copy, 'is_main_process', lambda: False)
    BestCopyHook().after_val_epoch(runner, {})
    assert not copy_of(runner).exists()


def test_it_is_no_checkpoint_to_resume_from_and_force_removes_it(tmp_path):
    (tmp_path / 'best.pth').write_text('one')
    assert own_checkpoints(tmp_path) == []
    assert newest_whole(tmp_path).path is None
    cfg = Config(dict(work_dir=str(tmp_path)))
    remove_checkpoints(cfg)
    assert (tmp_path / 'best.pth').exists()  # of another tool
    cfg.custom_hooks = [dict(type='BestCopyHook')]
    remove_checkpoints(cfg)
    assert not (tmp_path / 'best.pth').exists()


def test_it_is_updated_before_a_signal_ends_the_run():
    called = []
    runner = SimpleNamespace(
        call_hook=called.append, logger=SimpleNamespace(info=called.append), max_iters=12
    )
    with pytest.raises(SystemExit):
        WholeCheckpointHook()._end(runner, signal.SIGTERM)
    assert called[0] == 'before_stop'
