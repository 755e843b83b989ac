"""The command ``suggest``: which pictures it writes, their labels, and its errors."""

import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.image import imread
from PIL import Image
from scipy.stats import rankdata

from tests.helpers.demo import TINY
from tests.helpers.films import write_film, write_frames
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.inference.predictor import PosePredictor

MODEL = ['--model', TINY, '--checkpoint', str(FILE), '--precision', 'fp32']


@cache
def cached(*words, **settings):
    return PosePredictor(*words, **settings)


def same_predictor(*words, on_message, **settings):
    return cached(*words, **settings)


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


@pytest.fixture(autouse=True)
def _one_predictor(monkeypatch):
    """Every command of these tests uses the same predictor, and draws no sheet."""
    monkeypatch.setattr('vitpose_plus.inference.predictor.PosePredictor', same_predictor)
    sheet = 'vitpose_plus.inference.suggesting.folder.draw_labels'
    monkeypatch.setattr(sheet, lambda *words: words[-1].write_bytes(b''))


@pytest.mark.parametrize('form', ['coco', 'labelme'])
def test_predictions_are_written_as_labels_beside_copies_of_the_pictures(photos, form) -> None:
    assert not suggest(
        photos, *MODEL, '--boxes', 'whole', '--count', 3, '--out', 'next', '--format', form
    )
    labels = read_labels([Path('next')])
    predictor = cached(TINY, FILE, device='cpu', precision='fp32')
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
        np.testing.assert_allclose(instance.box, [0, 0, *picture.size_wh], atol=1e-3)
    assert Path('next', 'suggestions.png').exists()


def test_keypoints_of_a_low_score_are_hidden(photos) -> None:
    assert not suggest(photos, *MODEL, '--boxes', 'whole', '--count', 3, '--out', 'next')
    predictor = cached(TINY, FILE, device='cpu', precision='fp32')
    hidden = 0
    for picture in read_labels([Path('next')]).pictures:
        [instance] = picture.instances
        [result] = predictor(str(photos / picture.path.name), 'whole')
        expected = np.where(result.scores[0] > 0.3, 2, 1)[instance.labelled]
        assert instance.points[instance.labelled, 2].tolist() == expected.tolist()
        hidden += (expected == 1).sum()
    assert hidden


def test_each_instance_has_its_own_box(figures, photos) -> None:
    pictures = figures / 'coco' / 'val2017'
    boxes = figures / 'coco' / 'annotations' / 'person_keypoints_val2017.json'
    assert not suggest(pictures, *MODEL, '--boxes', boxes, '--count', 3, '--out', 'next')
    predictor = cached(TINY, FILE, device='cpu', precision='fp32')
    by_name = {Path(each.source).name: each for each in predictor(str(pictures), str(boxes))}
    for picture in read_labels([Path('next')]).pictures:
        predicted = by_name[picture.path.name].instances
        for one, other in zip(picture.instances, predicted, strict=True):
            xyxy = np.concatenate([one.box[:2], one.box[:2] + one.box[2:]])
            limits = np.tile(picture.size_wh, 2)
            np.testing.assert_allclose(xyxy, np.clip(other.box, 0, limits), atol=2e-3)


def test_the_most_uncertain_picture_is_suggested_first(photos, capsys) -> None:
    words = [photos, *MODEL, '--boxes', 'whole']
    assert not suggest(*words, '--count', 9, '--out', 'all')
    table = [line.split() for line in capsys.readouterr().out.splitlines() if '.jpg' in line]
    scores, flips = (np.array([float(row[column]) for row in table]) for column in (1, 2))
    ranks = rankdata(scores) + rankdata(flips)
    assert ranks[0] == ranks.max()
    assert [len(row) for row in table] == [4] * 9


def test_pictures_like_labelled_ones_come_last(photos) -> None:
    words = [photos, *MODEL, '--boxes', 'whole']
    assert not suggest(*words, '--count', 1, '--out', 'one')
    [first] = names(Path('one'))
    shown = first.split('_')[0]
    for path in photos.glob(f'{shown}_*.jpg'):  # other bytes, nearly the same pixels
        Image.open(path).save(path, quality=90)
    assert not suggest(*words, '--labelled', 'one', '--count', 3, '--out', 'two')
    assert shown not in {name.split('_')[0] for name in names(Path('two'))[:2]}


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
    assert 'No picture can be suggested: they are labelled' in capsys.readouterr().err
    assert not Path('two').exists()


def test_a_picture_that_is_given_twice_is_suggested_once(photos) -> None:
    first = sorted(photos.iterdir())[0]
    words = [photos, first, *MODEL, '--boxes', 'whole', '--count', 20]
    assert not suggest(*words, '--out', 'next')
    assert sorted(names(Path('next'))) == sorted(path.name for path in photos.iterdir())


def test_pictures_of_one_name_do_not_replace_each_other(photos) -> None:
    film = write_film(photos / 'a.mp4', [0, 40], (64, 48))
    (photos / 'a').mkdir()
    for name in ('a_000001.png', 'b.png', 'b.jpg'):
        shutil.copy(next(photos.glob('*_0.jpg')), photos / 'a' / name)
    words = [film, photos / 'a', *MODEL, '--boxes', 'whole', '--count', 20, '--format', 'labelme']
    assert not suggest(*words, '--out', 'next')
    stems = [str(path.with_suffix('')) for path in Path('next').rglob('*.[jp][pn]g')]
    assert len(stems) == len(set(stems)) == 5 + 1  # with the sheet
    assert len(read_labels([Path('next')]).pictures) == 5


def test_jumping_keypoints_of_a_film_count(tmp_path, monkeypatch, capsys, figures) -> None:
    monkeypatch.chdir(tmp_path)
    [person, *_] = sorted((figures / 'coco' / 'val2017').iterdir())
    image = cv2.resize(imread(str(person)), (320, 240))
    frames = [np.roll(image, 4 * number, 1) for number in range(12)]
    frames[7] = np.roll(frames[7], 110, 0)
    times = [40 * number for number in range(12)]
    film = write_frames(tmp_path / 'film.mp4', times, frames.__getitem__)
    boxes = [f'film.mp4/frame_{number:06d}.png,0,0,320,240' for number in range(12)]
    (tmp_path / 'boxes.csv').write_text('\n'.join(['source,x1,y1,x2,y2', *boxes]))
    assert not suggest(film, *MODEL, '--boxes', 'boxes.csv', '--count', 12, '--out', 'next')
    table = [line.split() for line in capsys.readouterr().out.splitlines() if '.png' in line]
    jumps = {row[0]: float(row[3]) for row in table}
    assert max(jumps, key=jumps.get) == 'images/film/film_000007.png'
    assert jumps['images/film/film_000007.png'] > 3


def test_frames_are_written_without_loss_and_not_suggested_again(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    film = write_film(tmp_path / 'a film.mp4', [40 * number for number in range(5)], (64, 48))
    words = [film, *MODEL, '--dataset', 'ap10k', '--boxes', 'refine', '--count', 2]
    assert not suggest(*words, '--out', 'one')
    frames = list(
        cached(TINY, FILE, device='cpu', precision='fp32')(film, 'whole', dataset='ap10k')
    )
    for picture in read_labels([Path('one')]).pictures:
        number = int(picture.path.stem.split('_')[-1])
        assert picture.path.parent.name == 'a film'
        assert (imread(str(picture.path)) == frames[number].image).all()
    assert not suggest(*words, '--out', 'two', '--labelled', 'one')
    assert not suggest(*words, '--out', 'three', '--labelled', 'one', 'two')
    found = [names(Path(folder)) for folder in ('one', 'two', 'three')]
    assert [len(each) for each in found] == [2, 2, 1]
    assert len({name for each in found for name in each}) == 5


def test_frames_of_another_film_of_the_same_name_are_suggested(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*MODEL, '--dataset', 'ap10k', '--boxes', 'whole', '--count', 9]
    for folder, size in (('x', (64, 48)), ('y', (80, 48))):
        Path(folder).mkdir()
        write_film(Path(folder, 'cam.mp4'), [0, 40, 80], size)
    assert not suggest('x/cam.mp4', *words, '--out', 'one')
    assert not suggest('y/cam.mp4', *words, '--labelled', 'one', '--out', 'two')
    assert len(names(Path('two'))) == 3


def test_pictures_that_were_written_as_png_are_not_suggested_again(photos) -> None:
    for path in list(photos.iterdir())[:3]:
        Image.open(path).save(path.with_suffix('.tga'))
        path.unlink()
    words = [photos, *MODEL, '--boxes', 'whole', '--count', 9]
    assert not suggest(*words, '--out', 'one')
    assert len(names(Path('one'))) == 9
    assert suggest(*words, '--labelled', 'one', '--out', 'two') == 2


def test_labelled_pictures_are_not_replaced(photos, capsys) -> None:
    words = [photos, *MODEL, '--boxes', 'whole', '--count', 1, '--out', 'next']
    assert not suggest(*words)
    before = Path('next', 'annotations.json').read_bytes()
    assert suggest(*words, '--labelled', 'next', '--force') == 2
    assert 'next has labelled pictures of --labelled' in capsys.readouterr().err
    assert Path('next', 'annotations.json').read_bytes() == before


def test_labels_of_other_keypoints_are_refused(photos, capsys) -> None:
    words = [photos, *MODEL, '--boxes', 'whole', '--count', 1]
    assert not suggest(*words, '--out', 'one')
    assert suggest(*words, '--labelled', 'one', '--dataset', 'ap10k', '--out', 'two') == 2
    assert '--labelled has the keypoint nose, which ap10k does not have' in capsys.readouterr().err


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
