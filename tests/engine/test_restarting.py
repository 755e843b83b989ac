"""Which checkpoint a training resumes from; checkpoints are replaced only with --force."""

import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.helpers.trainings import assert_same_end, files, finished, train
from vitpose_plus.commands import main
from vitpose_plus.engine.restarting import choose_start, remove_checkpoints
from vitpose_plus.errors import UserError

pytestmark = pytest.mark.forks


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of a finished training: ``w`` with epoch_1, epoch_2, the best file and the pointer."""
    shutil.copytree(trained / 'whole', tmp_path / 'w')
    monkeypatch.chdir(tmp_path)
    return Path('w')


def start(resume='auto', **others):
    """Returns the checkpoint that a training in ``w`` resumes from, and the notes for the log."""
    cfg = Config(dict(work_dir='w', load_from=None))
    notes = choose_start(cfg, resume, **others)
    return (cfg.load_from if cfg.get('resume') else None), ' '.join(notes)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b'')


def flip(path):
    """Flips 200 bytes in the middle of a weight."""
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 200):
        content[place] ^= 255
    path.write_bytes(content)


def damage(path, part):
    content = torch.load(path, weights_only=False)
    if part == 'weights':
        next(iter(content['state_dict'].values())).view(-1)[0] = torch.nan
    elif part == 'moments':
        content['optimizer']['state'][0]['exp_avg'].view(-1)[0] = torch.inf
    else:
        del content[part]
    torch.save(content, path)


NOT_FINITE = 'epoch_2.pth holds numbers that are not finite'
FAULTS = {
    'cut': (cut, 'epoch_2.pth is no checkpoint, or not complete'),
    'empty': (empty, 'epoch_2.pth is no checkpoint, or not complete'),
    'flipped': (flip, 'epoch_2.pth is damaged'),
    'weights': (
        lambda path: damage(path, 'weights'),
        'epoch_2.pth holds numbers that are not finite',
    ),
    'moments': (
        lambda path: damage(path, 'moments'),
        'epoch_2.pth holds numbers that are not finite',
    ),
    'no optimizer': (lambda path: damage(path, 'optimizer'), 'epoch_2.pth holds no optimizer'),
    'no meta': (lambda path: damage(path, 'meta'), 'epoch_2.pth does not state the iteration'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_the_newest_complete_file_is_used_and_the_others_are_named(folder, fault):
    damage_file, named = FAULTS[fault]
    assert start() == ('w/epoch_2.pth', 'Resumes from w/epoch_2.pth, iteration 12.')
    damage_file(folder / 'epoch_2.pth')
    path, notes = start()
    assert path == 'w/epoch_1.pth'
    assert notes.startswith(f'Skipped: {named}')
    assert notes.endswith('Resumes from w/epoch_1.pth, iteration 6.')


@pytest.mark.parametrize('pointer', [None, b'', b'w/epoch_', b'w', b'w/epoch_1.pth', b'\xff\x00'])
def test_the_pointer_does_not_change_the_choice(folder, pointer):
    (folder / 'last_checkpoint').unlink()
    if pointer is not None:
        (folder / 'last_checkpoint').write_bytes(pointer)
    assert start()[0] == 'w/epoch_2.pth'


def test_a_folder_with_only_damaged_files_is_an_error(folder):
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        cut(folder / name)
    with pytest.raises(UserError, match=r'in w is usable \(epoch_1.*epoch_2.*--force'):
        start()


def test_without_checkpoints_a_training_begins_with_its_start_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = Config(dict(work_dir='w', load_from='teacher.pth'))
    notes = choose_start(cfg, 'auto')
    assert notes == ['There is no checkpoint in w yet: the training begins.']
    assert (cfg.resume, cfg.load_from) == (False, 'teacher.pth')


def test_a_folder_with_checkpoints_needs_resume_or_force(folder):
    with pytest.raises(UserError, match=r'w holds checkpoints \(.*--resume.*--force.*--work-dir'):
        start(None)
    start(None, force=True)
    with pytest.raises(UserError, match='--force removes the checkpoints that --resume needs'):
        start('auto', force=True)
    mine = ['epoch_2-1a2b3c4d.pth', 'epoch_2_for_paper.pth', 'mine.pth']
    for name in mine:
        (folder / name).write_bytes(b'of the user')
    assert start()[1].startswith('Resumes from w/epoch_2.pth')
    remove_checkpoints(Config(dict(work_dir='w')))
    assert files('w') == mine
    assert start(None) == (None, '')


def test_only_the_best_checkpoint_is_left(folder):
    """A training cannot resume from it, and does not replace it either."""
    for path in folder.glob('epoch_*.pth'):
        path.unlink()
    with pytest.raises(UserError, match=r'best_coco_AP_epoch_2\.pth\) that this training would'):
        start()


def test_a_given_checkpoint_does_not_replace_later_ones(folder):
    with pytest.raises(UserError, match=r'epoch_2\.pth.*would replace'):
        start('w/epoch_1.pth')
    start('w/epoch_1.pth', force=True)
    assert start('w/epoch_2.pth') == ('w/epoch_2.pth', '')
    remove_checkpoints(Config(dict(work_dir='w', resume=True, load_from='w/epoch_1.pth')))
    assert files('w') == ['best_coco_AP_epoch_2.pth', 'epoch_1.pth']
    shutil.copy('w/best_coco_AP_epoch_2.pth', 'best.pth')
    with pytest.raises(UserError, match=r'best\.pth holds no optimizer.*load_from=FILE'):
        start('best.pth')


def test_names_and_folders_of_the_hook(folder):
    """They are the same as those of mmengine's hook."""
    hook = dict(filename_tmpl='e{:03d}.pth', out_dir=str(folder.absolute()))
    cfg = Config(dict(work_dir='w', load_from=None, default_hooks=dict(checkpoint=hook)))
    (folder / 'epoch_2.pth').rename(folder / 'e002.pth')
    choose_start(cfg, 'auto')
    assert cfg.load_from == 'w/e002.pth'
    folder.rename('other')
    Path('out').mkdir()
    Path('other').rename('out/w')
    hook['out_dir'] = 'out'
    cfg = Config(dict(work_dir='w', load_from=None, default_hooks=dict(checkpoint=hook)))
    choose_start(cfg, 'auto')
    assert cfg.load_from == 'out/w/e002.pth'
    cfg.default_hooks.checkpoint.out_dir = 's3://bucket'
    with pytest.raises(UserError, match='out_dir is s3://bucket, but checkpoints are'):
        choose_start(cfg, 'auto')


def test_the_config_itself_can_set_resume(folder):
    cfg = Config(dict(work_dir='w', resume=True, load_from=None))
    choose_start(cfg)
    assert cfg.load_from == 'w/epoch_2.pth'


def test_the_error_comes_before_anything_is_written(folder, capsys):
    before = sorted(Path().rglob('*'))
    with pytest.raises(SystemExit) as stopped:
        main(['train', 'w/small.py', '--work-dir', 'w'])
    assert stopped.value.code == 2
    assert sorted(Path().rglob('*')) == before
    assert capsys.readouterr().err.startswith('error: w holds checkpoints')


def test_a_moved_folder_is_resumed(trainings):
    options = ['--cfg-options', 'train_cfg.val_interval=1']
    finished(train('small.py', 'here', *options))
    content = torch.load('here/epoch_2.pth', weights_only=False)
    info = content['message_hub']['runtime_info']
    assert info['best_ckpt'] == str(trainings / 'here' / 'best_coco_AP_epoch_1.pth')
    info['best_score'] = -1.0  # the next validation is better, and replaces the best file
    torch.save(content, 'here/epoch_2.pth')
    shutil.move('here', 'there')
    finished(train('small.py', 'there', '--resume', *options))
    assert files('there') == files('whole')
    assert_same_end('whole', 'there')


def test_a_work_dir_that_cannot_be_written_is_an_error(trainings, capsys):
    Path('file').touch()
    with pytest.raises(SystemExit, match='2'):
        main(['train', 'small.py', '--work-dir', 'file/below'])
    assert 'error: file/below cannot be written, as ' in capsys.readouterr().err


@pytest.mark.slow
def test_weights_under_another_key_are_resumed_equally(trainings):
    """Some tools save the weights of a wrapped model; the rest of the file is used unchanged."""
    content = torch.load('whole/epoch_2.pth')
    weights = content.pop('state_dict')
    torch.save({**content, 'state_dict': weights}, 'plain.pth')
    torch.save({**content, 'model': {f'module.{k}': v for k, v in weights.items()}}, 'wrapped.pth')
    more = ['--cfg-options', 'train_cfg.max_epochs=3']
    for name in ('plain', 'wrapped'):
        finished(train('small.py', f'from_{name}', '--resume', f'{name}.pth', *more))
    assert_same_end('from_plain', 'from_wrapped', 'epoch_3.pth')
