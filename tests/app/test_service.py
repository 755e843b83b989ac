"""Answers of the page: the numbers of ``vitpose predict``, one model in memory, errors."""

import csv
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from PIL import Image

from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.films import times_in, write_film
from vitpose_plus.app.answers import FILM_COLUMNS
from vitpose_plus.app.choices import HAND
from vitpose_plus.app.requests import Request
from vitpose_plus.app.service import PoseService
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference.writing import write_picture

BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'
DETECTOR = str(figures_detector.FOLDER)
BOTH = 'person=coco,animal=ap10k'
WHOLE = dict(model=TINY, dataset='coco', boxes='whole')


@pytest.fixture(scope='module')
def film(mixed, tmp_path_factory):
    image = cv2.resize(cv2.imread(str(mixed)), (320, 240))
    path = tmp_path_factory.mktemp('films') / 'my film;.mp4'
    return write_film(path, [0, 45], image=image)


def lines(path):
    """The lines of a file, without the name of the source."""
    return [dict(json.loads(line), source='') for line in path.open()]


def rows(path):
    with path.open(newline='') as file:
        return [dict(row, source='') for row in csv.DictReader(file)]


def test_a_film_has_the_numbers_of_predict(service, film):
    progress = []
    request = dict(model=TINY, dataset=BOTH, boxes=DETECTOR, overlay=True)
    answer = service.film(film, Request(progress=lambda *step: progress.append(step), **request))
    assert [path.name for path in answer.files] == [
        'my_film_poses.mp4',
        'my_film_heatmaps.mp4',
        'my_film.ndjson',
        'my_film.csv',
    ]
    predictor = service._predictors.get(TINY, None)
    boxes = service.boxing.open(DETECTOR, '', predictor.device)
    expected = [result.to_dict() for result in predictor(film, boxes, dataset=BOTH)]
    assert lines(answer.files[2]) == [dict(line, source='') for line in expected]
    keypoints = sum(len(one['keypoints']) for line in expected for one in line['instances'])
    assert len(rows(answer.files[3])) == len(answer.table) == keypoints
    assert '"source":"my_film.mp4"' in answer.files[2].read_text()
    for path in answer.drawn, answer.overlay:
        assert times_in(path) == pytest.approx(times_in(film))
        with av.open(str(path)) as written:
            assert written.streams.video[0].codec_context.name == 'h264'  # browsers show it
    assert answer.columns == FILM_COLUMNS
    assert {row[0] for row in answer.table} == {0, 1}
    assert [step[:2] for step in progress if step[0]] == [(1, 2), (2, 2)]


def test_a_drawn_box_around_the_picture_gives_the_numbers_of_whole(service, mixed):
    height, width = cv2.imread(str(mixed)).shape[:2]
    answers = [
        service.picture(mixed, Request(**WHOLE | dict(boxes=boxes)))
        for boxes in ('whole', np.array([[0, 0, width, height]]))
    ]
    first, second = (lines(answer.files[1]) for answer in answers)
    assert first == second


def test_the_shown_picture_does_not_wait_for_a_prediction(service, mixed):
    with ThreadPoolExecutor() as pool, service._lock:
        assert pool.submit(service.shown, mixed).result(timeout=5).exists()


def test_the_shown_picture_is_turned(service, mixed, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    image = Image.open(mixed)
    image.save(tmp_path / 'a.png', exif=exif)
    shown = cv2.imread(str(service.shown(tmp_path / 'a.png')))
    np.testing.assert_array_equal(shown, np.rot90(cv2.imread(str(mixed)), -1))
    [line] = lines(service.picture(tmp_path / 'a.png', Request(**WHOLE)).files[1])
    assert (line['width'], line['height']) == image.size[::-1]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(model='vitpose-plus-base'), r"no model 'vitpose-plus-base': choose one of vitpose"),
        (dict(dataset='crowdpose'), r"no keypoints 'crowdpose': choose one of coco, aic"),
        (dict(dataset='person=coco'), r"no keypoints 'person=coco'"),
        (dict(boxes='/etc/passwd'), r"no boxes '/etc/passwd': choose one of"),
        (dict(boxes='whole', dataset=BOTH), r"no boxes 'whole': choose one of"),
        (dict(boxes=[[1, 2, 30, 40]], dataset=BOTH), r'have no classes: choose the keypoints of'),
        (dict(boxes=None), r'No boxes are chosen: choose one of'),
        (dict(boxes=HAND), r'No box is drawn: draw a box'),
        (dict(boxes=[]), r'No box is drawn: draw a box'),
        (dict(boxes=[[1, 2, 30, 40]] * 4), r'4 boxes are drawn, and the limit is 3: remove some'),
        (dict(boxes=[[1, 2, 'x', 40]]), r'The drawing has no array of shape'),
        (dict(boxes=[[9000, 2, 9003, 40]]), r'The drawing has the box .* outside of \S+\.jpg, '),
        (dict(boxes=[[30, 2, 30, 40]]), r'The drawing has a box without width and height'),
        (dict(score=1.5), r'The score 1\.5 is wrong: choose a number from 0 to 1'),
        (dict(score=float('nan')), r'The score nan is wrong'),
    ],
)
def test_a_wrong_choice_is_one_sentence_and_the_service_goes_on(change, message, service, mixed):
    with pytest.raises(UserError, match=message) as caught:
        service.picture(mixed, Request(**WHOLE | change))
    assert str(mixed.parent) not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert service.picture(mixed, Request(**WHOLE)).messages == []


def test_drawn_boxes_are_refused_for_films(service, tmp_path):
    film = write_film(tmp_path / 'a.mp4', [0, 40])
    for boxes in (HAND, [[1, 2, 30, 40]]):
        with pytest.raises(UserError, match=r'by hand in pictures only: choose other boxes'):
            service.film(film, Request(**WHOLE | dict(boxes=boxes)))


def test_models_are_named_by_their_files(service, monkeypatch):
    models = 'vitpose-base', '/a/x.onnx', '/b/tiny.onnx', '/c/tiny.onnx'
    monkeypatch.setattr(service, 'models', models)
    titles = [service.title(model) for model in models]
    assert titles == ['vitpose-base', 'x.onnx', *models[2:]]


def test_a_small_memory_and_a_full_disk_are_one_sentence(service, mixed, monkeypatch):
    service.picture(mixed, Request(**WHOLE))
    network = next(iter(service._predictors._kept.values())).model.network

    def fail(*_):
        raise torch.OutOfMemoryError('too much')

    with monkeypatch.context() as patch:
        patch.setattr(type(network), 'test_step', fail)
        with pytest.raises(RunError, match=r'The memory of cpu is too small'):
            service.picture(mixed, Request(**WHOLE))
    with monkeypatch.context() as patch:
        patch.setattr('vitpose_plus.inference.drawing.write_picture', full)
        with pytest.raises(RunError, match=r'cannot be written \(No space left\): free disk'):
            service.picture(mixed, Request(**WHOLE))
    before = set(service.root.iterdir())
    assert service.picture(mixed, Request(**WHOLE)).drawn.exists()
    assert len(set(service.root.iterdir()) - before) == 1


def full(path: Path, image: np.ndarray) -> None:
    raise OSError(28, 'No space left', str(path))


def test_nobody_is_a_message(service, tmp_path):
    write_picture(tmp_path / 'empty.png', np.full((200, 300, 3), 128, np.uint8))
    answer = service.picture(
        tmp_path / 'empty.png', Request(model=TINY, dataset='coco', boxes=DETECTOR)
    )
    assert answer.messages == ['Nobody is found: choose other boxes, or another model.']
    assert answer.table == []
    assert answer.drawn.exists()


def test_a_film_that_ends_early_is_a_message_with_its_name(service, tmp_path):
    film = write_film(tmp_path / 'a.mkv', [40 * k for k in range(16)])
    content = film.read_bytes()
    film.write_bytes(content[: len(content) * 3 // 4])
    answer = service.film(film, Request(**WHOLE))
    assert len(answer.messages) == 1
    assert answer.messages[0].startswith('a.mkv ends after')


def test_a_bottom_up_model_uses_no_boxes_and_has_no_heatmaps(mixed, tmp_path):
    cfg = read_config(BOTTOM_UP)
    network = MODELS.build(cfg.model)  # with random weights
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'w.pth')
    with closing(
        PoseService([BOTTOM_UP], {BOTTOM_UP: tmp_path / 'w.pth'}, device='cpu')
    ) as service:
        assert service.boxes(BOTTOM_UP, 'coco') == []
        answer = service.picture(mixed, Request(model=BOTTOM_UP, dataset='coco', overlay=True))
        assert answer.drawn.exists()
        assert answer.overlay is None
        assert re.search(r'is a \w+, so its heatmaps are not drawn\.$', answer.messages[0])
        with pytest.raises(UserError, match=r'finds everybody without boxes: choose no boxes'):
            service.picture(mixed, Request(model=BOTTOM_UP, dataset='coco', boxes='whole'))
