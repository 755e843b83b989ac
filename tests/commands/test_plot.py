"""The plot command: one or several trainings, and what it refuses."""

import json
from pathlib import Path

import pytest

from vitpose_plus.commands import main
from vitpose_plus.commands.plot import labels


def write_training(folder):
    path = Path(folder, '20260101_000000', 'vis_data', 'scalars.json')
    path.parent.mkdir(parents=True)
    records = [dict(loss=1.0, lr=0.1, epoch=1, iter=1, step=1), {'coco/AP': 0.5, 'step': 1}]
    path.write_text('\n'.join(map(json.dumps, records)))


def test_trainings_with_the_same_name_are_labelled_by_their_paths():
    assert labels(['w/a', 'w/b/']) == {'w/a': 'a', 'w/b/': 'b'}
    assert labels(['v/a', 'w/a']) == {'v/a': 'v/a', 'w/a': 'w/a'}
    assert labels(['w/a', 'w/a']) == {'w/a': 'a'}


def test_the_plot_of_two_trainings_is_written_and_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_training('a'), write_training('b')
    main(['plot', 'a', 'b', '--out', 'new/ab.svg'])
    assert capsys.readouterr().out == 'new/ab.svg\n'
    text = Path('new/ab.svg').read_text()
    assert text.count('<g id="axes_') == 3  # loss, learning rate, AP
    assert [path.name for path in Path('new').iterdir()] == ['ab.svg']


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['a', 'empty'], 'empty contains no */vis_data/scalars.json with numbers of a training:'),
        (['a', 'missing'], 'missing contains no */vis_data/scalars.json'),
        (['a', '--out', 'plot.txt'], 'plot.txt must end in .png'),
        (['a', ''], 'The argument work_dirs is empty'),
    ],
)
def test_wrong_arguments_are_one_sentence(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_training('a')
    Path('empty').mkdir()
    with pytest.raises(SystemExit) as stop:
        main(['plot', *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f'error: {message}')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'empty']
