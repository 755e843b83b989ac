"""The parts of a report: labels, looks, history, sentences and pictures."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config

from tests.engine.test_scalars import records, write
from vitpose_plus.errors import UserError
from vitpose_plus.reports.history import ENDED, read_history
from vitpose_plus.reports.labels import LabelledInstances, read_labels
from vitpose_plus.reports.looks import LabelledBoxes, TwoLooks, WholePicture, look_of
from vitpose_plus.reports.notes import notes_of
from vitpose_plus.reports.numbers import quoted, start_weights
from vitpose_plus.reports.page import worst_of
from vitpose_plus.reports.pictures import TILE, crop


def instances(*paths):
    """Labels with two keypoints; the numbers of each instance are its row."""
    rows = np.arange(len(paths), dtype=float)
    points = np.broadcast_to(rows[:, None, None], (len(paths), 2, 3))
    return LabelledInstances(paths, points, np.broadcast_to(rows[:, None], (len(paths), 4)))


class Predictor:
    """Predicts as many instances as there are boxes, or one; it notes the arguments."""

    def __call__(self, sources, boxes=None):
        self.boxes = boxes
        for path in sources:
            rows = boxes[path][:, 0] if isinstance(boxes, dict) else np.array([7.0])
            keypoints = np.broadcast_to(rows[:, None, None], (len(rows), 2, 2))
            yield SimpleNamespace(instances=[*rows], keypoints=keypoints)


def test_given_boxes_keep_the_order_of_the_labels():
    labels, predictor = instances('a', 'b', 'b', 'c'), Predictor()
    predicted = LabelledBoxes().predict(predictor, labels)
    np.testing.assert_array_equal(predicted[:, 0, 0], range(4))
    assert [len(boxes) for boxes in predictor.boxes.values()] == [1, 2, 1]


def test_looks_at_whole_pictures_have_one_instance_each():
    labels, predictor = instances('a', 'b'), Predictor()
    look = TwoLooks()
    assert look.predict(predictor, labels).shape == (2, 2, 2)
    assert predictor.boxes is None  # the default of the model
    assert look.predict_first(predictor, labels).shape == (2, 2, 2)
    assert predictor.boxes == 'whole'
    assert WholePicture().predict_first(predictor, labels) is None
    with pytest.raises(UserError, match='b has 2 labelled instances, but 1 predicted'):
        look.predict(predictor, instances('a', 'b', 'b'))


@pytest.mark.parametrize(
    ('predict', 'look'),
    [
        (dict(predict=dict(boxes='whole')), WholePicture),
        (dict(predict=dict(boxes='refine')), TwoLooks),
        (dict(predict=dict(boxes='file')), LabelledBoxes),
        (dict(predict=dict(boxes='points')), LabelledBoxes),
        ({}, LabelledBoxes),
    ],
)
def test_the_look_follows_from_the_boxes_of_the_labels(predict, look):
    assert type(look_of(Config(predict))) is look


@pytest.mark.parametrize(('most', 'kept'), [(2, 'aac'), (3, 'aabc'), (9, 'aabc'), (1, 'aa')])
def test_a_part_of_the_pictures_with_all_their_instances(most, kept):
    labels = instances(*'aabc')
    part = labels.spread(most)
    assert ''.join(part.paths) == kept
    for path, points in zip(part.paths, part.points, strict=True):
        assert path == labels.paths[int(points[0, 0])]


@pytest.mark.parametrize('loader', [None, {}, dict(dataset=dict(datasets=[]))])
def test_a_loader_without_a_dataset(loader):
    with pytest.raises(UserError, match='val_dataloader has 0 datasets'):
        read_labels(loader, 'val_dataloader')


def test_minutes_are_those_of_all_runs_that_trained(tmp_path):
    """The second run begins an hour after the first one was killed; the third run is a test."""
    runs = dict(
        a=('2026/01/01 10:00:00', '2026/01/01 10:04:30'),
        b=('2026/01/01 11:04:30', '2026/01/01 11:05:00'),
        c=('2026/01/01 12:00:00', '2026/01/01 12:30:00'),
    )
    lines = dict(a=[*records(range(1, 7))], b=[*records(range(7, 10))], c=[])
    for name, times in runs.items():
        write(tmp_path, name, lines[name])
        log = ''.join(f'{time} - mmengine - INFO - text\n2026/13/44\n' for time in times)
        after = f'{times[1]} - mmengine - INFO - {ENDED}\n2026/02/01 10:00:00 - report\n'
        (tmp_path / name / f'{name}.log').write_text(log + after)
    history = read_history(tmp_path)
    assert history.minutes == 5
    assert history.ended.isoformat() == '2026-01-01T11:05:00'
    assert history.last_iteration == 9
    assert history.metrics_at(tmp_path / 'best_coco_AP_epoch_2.pth') == {'coco/AP': 0.2}
    assert history.metrics_at(tmp_path / 'iter_8.pth') == {'coco/AP': 0.3}


def test_metrics_that_are_not_finite_are_left_out(tmp_path):
    metrics = dict(EPE=float('nan'), PCK=0.5, data_time=1.0, time=1.0, step=1)
    write(tmp_path, 'a', [*records(range(1, 3)), metrics])
    assert read_history(tmp_path).metrics_at(tmp_path / 'epoch_1.pth') == {'PCK': 0.5}


def test_without_logs_the_minutes_are_unknown(tmp_path):
    write(tmp_path, 'a', records(range(1, 4)))
    history = read_history(tmp_path)
    assert (history.minutes, history.ended) == (None, None)


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, None),
        (dict(load_from='all.pth'), 'all.pth'),
        ({'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='b.pth')}, 'b.pth'),
        (
            {'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='b', expert='aic')},
            'b (expert aic)',
        ),
        ({'model.init_cfg': dict(type='Pretrained', checkpoint='m.pth')}, 'm.pth'),
    ],
)
def test_start_weights(changes, expected):
    cfg = Config(dict(model=dict(backbone=dict(type='ViT'))))
    cfg.merge_from_dict(changes)
    assert start_weights(cfg) == expected


def summary(mean, labels=50):
    return dict(labels=labels, mean_px=mean)


def numbers(held_out, train, **more):
    splits = {
        name: dict(overall=summary(mean), per_keypoint=dict(tail=summary(mean, **more)))
        for name, mean in dict(held_out=held_out, train=train).items()
    }
    return dict(splits=splits, training=dict(labels=dict(tail=more.get('labels', 50))))


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        (numbers(3.0, 2.5), []),
        (numbers(1.5, 0.6), []),  # less than a pixel
        (numbers(6.0, 2.5), ['6.0 px on held-out pictures, but only 2.5 px']),
        (numbers(3.0, 2.5, labels=19), ['fewer than 20 labels in the training set: tail (19)']),
        (numbers(3.0, 2.5, labels=4), ['tail (4)', 'fewer than 5 held-out labels: tail.']),
        (numbers(None, None), []),
    ],
)
def test_sentences_about_what_stands_out(values, words):
    notes = notes_of(values)
    assert len(notes) == len(words)
    for note, part in zip(notes, words, strict=True):
        assert part in note


def test_the_worst_quarter_is_worse_than_all_keypoints():
    means = dict(a=1.0, b=4.0, c=9.0, d=2.0, e=None)
    split = dict(
        overall=dict(mean_px=3.0, pck_5px=1.0),
        per_keypoint={k: dict(mean_px=v, pck_5px=v and 1.0) for k, v in means.items()},
    )
    assert worst_of(split, 'mean_px') == {'c'}
    assert worst_of(split, 'pck_5px') == set()
    split['overall']['pck_5px'], split['per_keypoint']['d']['pck_5px'] = 0.9, 0.6
    assert worst_of(split, 'pck_5px') == {'d'}


@pytest.mark.parametrize(
    ('points', 'longer'),
    [
        ([[100, 50], [140, 60]], 60),
        ([[100, 50]], 48),
        ([[-500, 30], [900, 40]], 320),  # predicted far outside
        ([[319, 239]], 25),  # at the corner
    ],
)
def test_a_tile_contains_the_points(points, longer):
    """Every pixel of the picture has the colour of its place: the tile shows the right part."""
    y, x = np.mgrid[:240, :320]
    image = np.stack([x % 256, y, x // 256], axis=-1).astype(np.uint8)
    points = np.array(points, float)
    tile, low, scale = crop(image, points)
    assert max(tile.shape) == TILE
    np.testing.assert_allclose(max(tile.shape[1::-1] / scale), longer)
    inside = np.clip(points, 0, [319, 239])
    places = np.round((inside - low + 0.5) * scale - 0.5).astype(int)
    assert (places >= 0).all()
    assert (places < tile.shape[1::-1]).all()
    for (px, py), (at_x, at_y) in zip(inside, places, strict=True):
        assert abs(int(tile[at_y, at_x, 1]) - py) <= 1.5
        assert px >= 256 or abs(int(tile[at_y, at_x, 0]) - px) <= 2


def test_a_folder_with_a_space_is_quoted():
    assert (quoted('work_dirs/mouse'), quoted('my mouse')) == ('work_dirs/mouse', '"my mouse"')
