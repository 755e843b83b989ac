"""The folder of figures is whole or not there, and never replaced unasked."""

import pytest

from vitpose_plus.commands import figures, main

FEW = ['--num-train', '2', '--num-val', '1']


def test_draws_a_whole_folder(tmp_path, capsys):
    root = tmp_path / 'drawn'
    main(['figures', str(root), *FEW])
    assert {'coco', 'aic', 'mpii', 'ap10k', 'apt36k'} == {path.name for path in root.iterdir()}
    assert 'The figures lie in' in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ['drawn']


def test_an_existing_folder_is_kept_without_force(tmp_path, capsys):
    (tmp_path / 'mine').write_text('precious')
    with pytest.raises(SystemExit) as stop:
        main(['figures', str(tmp_path), *FEW])
    assert stop.value.code == 2
    assert 'exists: name another folder, or replace it with --force' in capsys.readouterr().err
    assert (tmp_path / 'mine').read_text() == 'precious'


def test_a_failure_leaves_no_half_of_a_folder(tmp_path, monkeypatch):
    def fail(root, *args, **kwargs):
        (root / 'coco').mkdir(parents=True)
        raise OSError('disk full')

    monkeypatch.setattr(figures, 'write_figures', fail)
    with pytest.raises(OSError, match='disk full'):
        main(['figures', str(tmp_path / 'drawn'), *FEW])
    assert not (tmp_path / 'drawn').exists()
