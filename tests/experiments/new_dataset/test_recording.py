"""The options of a dataset's folder: what was given is read again, also from another place."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.label_files import WRITERS, example
from vitpose_plus.commands import main
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.recording import read_options, recorded_labels
from vitpose_plus.visualization import labels as sheet


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The labels of the folder ``mouse``, which new-dataset wrote into the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sheet, 'draw_labels', lambda *words: words[-1].touch())
    labels = example(tmp_path / 'pictures')
    [file] = WRITERS['coco'](labels, tmp_path / 'pictures')
    given = ['--swap', 'snout=tailbase', '--links', 'leftear=rightear', '--no-flip']
    main(['new-dataset', 'mouse', str(file), '--pictures', 'pictures', *given])
    return labels


def assert_equal(labels, expected):
    assert (labels.names, labels.links) == (expected.names, expected.links)
    for one, other in zip(labels.pictures, expected.pictures, strict=True):
        assert one.path.resolve() == other.path.resolve()
        assert one.size_wh == other.size_wh
        for mine, its in zip(one.instances, other.instances, strict=True):
            assert np.array_equal(mine.points, its.points)
            assert np.array_equal(mine.box, its.box)


def test_the_labels_are_read_again_with_those_that_are_held_out(made):
    assert_equal(recorded_labels(Path('mouse')), made)


def test_the_options_are_those_that_were_given(made):
    options = read_options(Path('mouse'))
    assert options.name == 'mouse'
    assert options.labels.files == (Path('pictures/annotations/person_keypoints_default.json'),)
    assert options.labels.pictures == options.below == Path('pictures')
    assert (options.swap, options.links) == (
        (('snout', 'tailbase'),),
        (('leftear', 'rightear'),),
    )
    assert (options.boxes, options.no_flip, options.pretrained) == ('file', True, None)


def test_a_project_can_be_moved_and_read_from_any_folder(made, tmp_path, monkeypatch):
    place = tmp_path / "Bob's place"
    for name in ('mouse', 'pictures'):
        shutil.move(name, place / name)
    expected = read_labels([place / 'pictures/annotations'], place / 'pictures')
    monkeypatch.chdir('/')
    assert_equal(recorded_labels(place / 'mouse'), expected)
    monkeypatch.chdir(place / 'mouse')
    assert_equal(recorded_labels(Path()), expected)


def test_a_link_to_the_folder_leads_to_the_same_labels(made, tmp_path):
    (tmp_path / 'deeper').mkdir()
    (tmp_path / 'deeper' / 'link').symlink_to(tmp_path / 'mouse')
    assert_equal(recorded_labels(tmp_path / 'deeper' / 'link'), made)


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('name', 3),
        ('labels', dict(files='a.json', pictures=None)),
        ('labels', dict(files=[1], pictures=None)),
        ('labels', []),
        ('added', [dict(files=[])]),
        ('boxes', 'square'),
        ('boxes', []),
        ('swap', [['a']]),
        ('no_flip', 'yes'),
        ('expert_of', ['a', 'b', 'c']),
        ('sha256', {}),
        ('more', 1),
    ],
)
def test_damaged_options_are_refused(made, key, value):
    path = Path('mouse/options.json')
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UserError, match=rf'{path} is damaged \(.*{key}.*\): run new-dataset with'):
        read_options(Path('mouse'))


@pytest.mark.parametrize('text', ['', '{', '[]', '{}', 'null', '{"name": "mouse"}', '\0'])
def test_other_contents_are_refused(made, text):
    Path('mouse/options.json').write_text(text)
    with pytest.raises(UserError, match='run new-dataset with all labels again') as error:
        read_options(Path('mouse'))
    assert '\n' not in str(error.value)


def test_a_folder_of_an_earlier_version_and_a_missing_one_are_refused(made):
    Path('mouse/options.json').unlink()
    with pytest.raises(UserError, match=r'mouse has no options\.json: run new-dataset with all'):
        recorded_labels(Path('mouse'))
    with pytest.raises(UserError, match='rat is not a folder: make it first, with new-dataset'):
        recorded_labels(Path('rat'))
