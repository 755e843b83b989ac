"""The command ``suggest``: which pictures it writes, their labels, and its errors."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmcv.image import imread

from tests.helpers.demo import TINY
from tests.helpers.films import write_film
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.inference.predictor import PosePredictor

MODEL = ['--model', TINY, '--checkpoint', str(FILE), '--precision', 'fp32']


def suggest(*words) -> int:
    """Runs the command, and returns its exit code."""
    try:
        main(['suggest', *map(str, words)])
    except SystemExit as stop:
        return stop.code
    return 0


def names(folder: Path) -> list[str]:
    """The names of the pictures of which a folder has labels."""
    return [picture.path.name for picture in read_labels([folder]).pictures]


@pytest.fixture
def photos(figures, tmp_path, monkeypatch) -> Path:
    """A folder with three people, three times each; the current folder is the one above."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for path in sorted((figures / 'coco' / 'val2017').iterdir()):
        for copy in range(3):
            shutil.copy(path, folder / f'{path.stem}_{copy}.jpg')
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize('form', ['coco', 'labelme'])
def test_predictions_are_written_as_labels_beside_copies_of_the_pictures(photos, form) -> None:
    assert not suggest(
        photos, *MODEL, '--boxes', 'whole', '--count', 3, '--out', 'next', '--format', form
    )
    labels = read_labels([Path('next')])
    predictor = PosePredictor(TINY, FILE, device='cpu', precision='fp32')
    by_name = {Path(each.source).name: each for each in predictor(str(photos), 'whole')}
    assert len(labels.pictures) == 3
    for picture in labels.pictures:
        assert picture.path.read_bytes() == (photos / picture.path.name).read_bytes()
        result = by_name[picture.path.name]
        [instance], [points] = picture.instances, result.keypoints
        inside = ((points >= 0) & (points <= picture.size_wh)).all(1)
        assert labels.names == result.names
        assert (instance.labelled == inside).all()
        np.testing.assert_allclose(instance.points[inside, :2], points[inside], atol=1e-3)
    assert Path('next', 'suggestions.png').stat().st_size > 10_000


def test_copies_of_a_picture_are_not_suggested_together(photos) -> None:
    suggest(photos, *MODEL, '--boxes', 'whole', '--count', 3, '--out', 'next')
    assert len({name.split('_')[0] for name in names(Path('next'))}) == 3


def test_labelled_pictures_are_not_suggested_again(photos, capsys) -> None:
    words = [photos, *MODEL, '--boxes', 'whole', '--count', 4]
    assert not suggest(*words, '--out', 'one')
    labelled = Counter(name.split('_')[0] for name in names(Path('one')))
    # Copies have the same bytes, so a picture with a labelled copy is labelled.
    assert len(labelled) == 3
    assert suggest(*words, '--labelled', 'one', '--out', 'two') == 2
    assert 'all are labelled' in capsys.readouterr().err
    assert not Path('two').exists()


def test_frames_are_written_without_loss_and_not_suggested_again(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    film = write_film(tmp_path / 'a film.mp4', [40 * number for number in range(9)], (64, 48))
    words = [film, *MODEL, '--dataset', 'ap10k', '--boxes', 'refine', '--count', 4]
    assert not suggest(*words, '--out', 'one')
    frames = list(PosePredictor(TINY, FILE, device='cpu')(film, 'whole', dataset='ap10k'))
    for picture in read_labels([Path('one')]).pictures:
        number = int(picture.path.stem.removeprefix('frame_'))
        assert picture.path.parent.name == 'a film'
        assert (imread(str(picture.path)) == frames[number].image).all()
    assert not suggest(*words, '--out', 'two', '--labelled', 'one')
    assert not suggest(*words, '--out', 'three', '--labelled', 'one', 'two')
    found = [names(Path(folder)) for folder in ('one', 'two', 'three')]
    assert [len(each) for each in found] == [4, 4, 1]
    assert len({name for each in found for name in each}) == 9


def test_broken_pictures_are_named_and_give_the_exit_code_3(photos, capsys) -> None:
    (photos / 'broken.jpg').write_bytes(b'no picture')
    assert suggest(photos, *MODEL, '--boxes', 'whole', '--count', 2, '--out', 'next') == 3
    assert 'broken.jpg' in capsys.readouterr().err
    assert len(names(Path('next'))) == 2


def test_a_folder_is_only_replaced_if_suggest_wrote_it(photos, capsys) -> None:
    words = [photos, *MODEL, '--boxes', 'whole', '--count', 1, '--out', 'next']
    Path('next').mkdir()
    Path('next', 'mine.txt').write_text('mine')
    assert suggest(*words, '--force') == 2
    assert 'has files that suggest did not write' in capsys.readouterr().err
    assert Path('next', 'mine.txt').read_text() == 'mine'
    Path('next', 'mine.txt').unlink()
    assert not suggest(*words)
    before = Path('next', 'annotations.json').read_bytes()
    assert suggest(*words) == 2
    assert 'replace all of it with --force' in capsys.readouterr().err
    assert Path('next', 'annotations.json').read_bytes() == before
    assert not suggest(*words, '--force', '--format', 'labelme')
    assert not Path('next', 'annotations.json').exists()


def test_several_datasets_are_refused(photos, capsys) -> None:
    words = ['--dataset', 'person=coco,animal=ap10k', '--boxes', photos / 'boxes.json']
    (photos / 'boxes.json').write_text(
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}, '
        '{"id": 2, "name": "animal"}]}'
    )
    assert suggest(photos, *MODEL, *words, '--out', 'next') == 2
    assert 'labels are of one dataset' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        ('vitpose-bottomup-small_coco-512x512', 'suggest needs a top-down model'),
        ('missing', 'There is no model missing'),
    ],
)
def test_other_models_are_refused_before_weights_are_read(photos, capsys, model, message) -> None:
    given = ['--model', model, '--checkpoint', photos / 'none.pth']
    assert suggest(photos, *given, '--out', 'next') == 2
    assert message in capsys.readouterr().err
    assert not Path('next').exists()
