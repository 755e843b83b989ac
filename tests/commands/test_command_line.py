"""Every command reports wrong arguments in one sentence, before it does any work."""

import os
import re
import sys
from pathlib import Path

import pytest
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import write_config
from vitpose_plus import files
from vitpose_plus.checkpoints import writing
from vitpose_plus.commands import env, main
from vitpose_plus.commands import figures as figures_command
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config, load_config

WEIGHTS, MAE = str(FILE), 'mae-tiny_figures-256x192'
TEST = ['test', TINY, WEIGHTS]
RECONSTRUCT = ['reconstruct', MAE, 'w.pth', '--out']
CONFIG = ['--config', TINY]
# Arguments and error; `file` is a file, `folder` is a folder that contains the file `mine`.
WRONG = [
    ([*TEST, '--sheet', 's'], r'^error: s must end in \.png or \.jpg .*: give another name'),
    ([*TEST, '--sheet', 'folder.png'], r'folder\.png is a folder: give the name of a file'),
    ([*TEST, '--sheet', 'file/s.png'], r'file/s\.png cannot be written, as .*file is no folder'),
    ([*TEST, '--out', 'm.txt'], r'm\.txt must end in \.json or \.yaml'),
    ([*TEST, '--out', ''], r'The argument out is empty: give a value, or leave it out'),
    (
        [*TEST, '--work-dir', 'file'],
        r'file cannot be written, as .*file is no folder: give',
    ),
    (['test', 'folder', WEIGHTS], r'folder is a folder without config\.py: give a'),
    (['test', '', WEIGHTS], r'The argument config is empty'),
    ([*TEST, '--launcher', 'pytorch'], r'--launcher pytorch needs .* RANK, which is missing'),
    (
        [*TEST, '--local_rank', '-1'],
        r"argument --local_rank/--local-rank: '-1' is not an integer",
    ),
    (['train', TINY, '--resume', WEIGHTS, '--pretrained', WEIGHTS], r'--pretrained would have no'),
    (['train', TINY, '--expert', 'coco'], r'--expert coco .* give them with --pretrained'),
    (['train', TINY, '--amp', '--cfg-options', 'optim_wrapper=None'], r'there is no optim_wrapper'),
    (
        ['train', TINY, '--auto-scale-lr', '--cfg-options', 'auto_scale_lr=None'],
        r'has no auto_scale_lr\.base_batch_size: add it for --auto-scale-lr',
    ),
    (
        ['train', TINY, '--pretrained', 'none', '--cfg-options', 'model.backbone=None'],
        r'has model\.backbone=None: give a dict',
    ),
    (['convert', WEIGHTS, WEIGHTS, '--force'], r'pth is the file that is read: give another name'),
    (['convert', WEIGHTS, 'file/x.pth'], r'file/x\.pth cannot be written, as .*file is no folder'),
    (['convert', WEIGHTS, 'x.pth', '--dataset', ''], r'The argument dataset is empty'),
    (
        ['convert', WEIGHTS, 'x.pth', '--config', 'typo.py'],
        r'typo\.py: model\.backbone\.depht is',
    ),
    (['split', WEIGHTS, 'coco', WEIGHTS, *CONFIG, '--force'], r'pth is the file that is read'),
    (
        ['split', WEIGHTS, 'coco', 'typo.pth', '--config', 'typo.py', '--force'],
        r'typo\.py is the',
    ),
    (['split', WEIGHTS, 'coco', 'file/x.pth', *CONFIG], r'file/x\.pth cannot be written, as'),
    (['expand', WEIGHTS, WEIGHTS, *CONFIG, '--force'], r'pth is the file that is read'),
    (['expand', WEIGHTS, 'file/x.pth', *CONFIG], r'file/x\.pth cannot be written, as'),
    (
        ['prepare-data', 'aic', 'folder', 'file/x'],
        r'file/x cannot be written, as .*file is no',
    ),
    (['cache-heatmaps', TINY, 'file/x'], r'file/x cannot be written, as .*file is no folder'),
    (['cache-heatmaps', TINY, ''], r'The argument out is empty'),
    (['figures', 'file/x'], r'file/x cannot be written'),
    (['figures', ''], r'The argument root is empty'),
    ([*RECONSTRUCT, 'a.txt'], r'a\.txt must end in \.png'),
    ([*RECONSTRUCT, 'folder.png'], r'folder\.png is a folder'),
    ([*RECONSTRUCT, 'file/a.png'], r'file/a\.png cannot be written, as'),
    ([*RECONSTRUCT, 'a.png', '--number', '0'], r'--number 0 is less than 1'),
    ([*RECONSTRUCT, 'a.png', '--seed', '-1'], r'--seed -1 is out of range: give 0 to 4294967295'),
    ([*RECONSTRUCT, 'a.png', '--seed', str(2**32)], r'--seed 4294967296 is out of range'),
    ([*RECONSTRUCT, 'a.png', '--images', 'folder/mine', ''], r'The argument images is empty'),
    (['demo', 'folder'], r'unrecognized arguments: folder'),
    (['env', 'folder'], r'unrecognized arguments: folder'),
]


@pytest.mark.parametrize(('words', 'message'), WRONG, ids=lambda each: ' '.join(each)[-40:])
def test_wrong_arguments_are_reported_before_any_work(words, message, workplace, capsys):
    Path('file').touch()
    for name in ('folder', 'folder.png'):
        Path(name).mkdir()
    Path('folder/mine').touch()
    Path('typo.py').write_text(
        f'_base_ = {find_config(TINY)!r}\nmodel = dict(backbone=dict(depht=3))\n'
    )
    before = sorted(workplace.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(message, error), error
    assert 'Traceback' not in error
    assert sorted(workplace.rglob('*')) == before


def test_missing_folders_of_an_output_are_created(figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(figures)
    writing.write('w.pth', MODELS.build(load_config(config).model).state_dict())
    outputs = ['--sheet', 'new/deep/s.PNG', '--out', 'other/m.json']
    main(['test', config, 'w.pth', '--work-dir', 'w', *outputs])
    assert Path('new/deep/s.PNG').read_bytes().startswith(b'\x89PNG')
    assert 'coco/AP' in Path('other/m.json').read_text()
    assert [path.name for path in Path('new/deep').iterdir()] == ['s.PNG']


def test_the_error_names_a_folder_without_write_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda *args: False)
    with pytest.raises(UserError, match=f'a cannot be written, as {tmp_path} is not writable'):
        files.check_output(tmp_path / 'new' / 'a')


def test_an_output_may_have_any_ending_and_replace_a_file(tmp_path):
    (tmp_path / 'a').touch()
    files.check_output(tmp_path / 'a')
    files.check_output(tmp_path / 'new' / 'A.PNG', files.PICTURES)


def test_no_traceback_if_the_reader_of_the_output_ends(monkeypatch, capsys):
    """For example ``vitpose env | head -0``."""
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(env, 'collect', lambda: dict(vitpose_plus='1'))
    with open(write, 'w') as output:
        monkeypatch.setattr(sys, 'stdout', output)
        with pytest.raises(SystemExit) as ended:
            main(['env'])
    assert ended.value.code == 128 + 13
    assert capsys.readouterr().err == ''


def test_no_traceback_for_ctrl_c_while_classes_are_loaded(monkeypatch, capsys):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr('vitpose_plus.commands._load_stack', stop)
    monkeypatch.setattr(figures_command, 'NEEDS_STACK', True, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(['figures', 'x'])
    assert ended.value.code == 130
    assert capsys.readouterr().err == 'error: stopped by Ctrl-C.\n'
