"""Ids of tracks: they agree with the true ids, and the stream of results keeps its order."""

import sys
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pytest

from tests.helpers.sources import OneEntry
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.memory import ArrayPicture
from vitpose_plus.inference.sources.source import Entry

pytest.importorskip('trackers')

from trackers.eval import box_iou, compute_identity_metrics

from vitpose_plus.inference.tracking import ByteTracking

WH = np.array([640, 480])
PAIR = Skeleton('pair', ('left', 'right'), ((0, 1),), (1, 0), (0.1, 0.1), (192, 256))


def instance(box, dataset='coco', score=1.0):
    return Instance(dataset, np.asarray(box, float), score, np.zeros((2, 2)), np.zeros(2))


def result(frame, instances, time=None, source='a.mp4'):
    time = frame / 30 if time is None else time
    return Result(source, *WH, instances=instances, frame=frame, time=time)


def film(boxes, times=None, source='a.mp4', dataset='coco'):
    """Results with one instance for every box that is not NaN, from boxes (T, N, 4)."""
    times = np.arange(len(boxes)) / 30 if times is None else times
    seen = [row[np.isfinite(row).all(1)] for row in boxes]
    return [
        result(k, [instance(box, dataset) for box in row], float(time), source)
        for k, (row, time) in enumerate(zip(seen, times, strict=True))
    ]


def walk(x, y=100, wh=(50, 120), times=None):
    """The boxes (T, 1, 4) of a figure: x is its left side at each time."""
    x = np.asarray(x, float)
    return np.stack([x, y + 0 * x, x + wh[0], y + wh[1] + 0 * x], 1)[:, None]


def crossing(times, number=6, seed=0):
    """The boxes (T, N, 4) of figures that walk back and forth and cross each other.

    Their widths are 30 to 70 pixels and change by a quarter; the speeds are 40 to 160 pixels/s.
    """
    rng = np.random.default_rng(seed)
    size = rng.uniform((30, 80), (70, 160), (number, 2))
    low, high = size / 2, WH - size / 2
    begin, phase = rng.uniform(low, high), rng.uniform(0, 6, number)
    speed = rng.uniform(40, 160, (number, 1)) * rng.choice((-1, 1), (number, 2)) * (1, 0.15)
    boxes = []
    for t in times:
        way = (begin + speed * t - low) % (2 * (high - low))
        middle = low + np.minimum(way, 2 * (high - low) - way)
        swing = size / 2 * np.stack([1 + 0.25 * np.sin(6 * t + phase), np.ones(number)], 1)
        boxes.append(np.concatenate([middle - swing, middle + swing], 1))
    return np.array(boxes)


def variable(number, seed=0):
    """The times of a film with a variable frame rate (T,)."""
    return np.cumsum(np.random.default_rng(seed).choice((1, 1, 2, 2, 3), number) / 30)


def detected(boxes, times, seed=0, jitter=2.0, missed=0.05, false=0.3):
    """Results of a detector: moved boxes, missed ones, and false ones with low scores."""
    rng = np.random.default_rng(seed)
    moved = boxes + rng.normal(0, jitter, boxes.shape)
    moved[rng.random(boxes.shape[:2]) < missed] = np.nan
    frames = film(moved, times)
    for each in frames:
        for one in each.instances:
            one.box_score = rng.uniform(0.4, 0.9)
        for _ in range(rng.poisson(false)):
            corner = rng.uniform((0, 0), WH - 100)
            box = [*corner, *(corner + rng.uniform(30, 100, 2))]
            each.instances.append(instance(box, score=rng.uniform(0.3, 0.6)))
        rng.shuffle(each.instances)
    return frames


def idf1(frames, boxes):
    """IDF1 of tracked results against the true boxes (T, N, 4), NaN if a figure is missing."""
    true, found, similar = [], [], []
    for each, row in zip(frames, boxes, strict=True):
        real = np.isfinite(row).all(1)
        own = [one for one in each.instances if one.id is not None]
        true.append(np.flatnonzero(real))
        found.append(np.array([one.id for one in own], int))
        similar.append(box_iou(row[real], np.array([one.box for one in own]).reshape(-1, 4)))
    return compute_identity_metrics(true, found, similar)['IDF1']


def ids(frames):
    return [[one.id for one in each.instances] for each in frames]


def tracked(frames, **settings):
    return list(ByteTracking(**settings)(iter(frames)))


TIMES = {
    '30 frames/s': np.arange(90) / 30,
    '10 frames/s': np.arange(60) / 10,
    '250 frames/s': np.arange(300)[::2] / 250,
    'variable': variable(80),
}


@pytest.mark.parametrize('times', TIMES.values(), ids=TIMES)
def test_true_boxes_of_crossing_figures_keep_their_ids(times):
    boxes = crossing(times)
    frames = tracked(film(boxes, times))
    assert idf1(frames, boxes) >= 0.95
    assert {number for row in ids(frames) for number in row} == set(range(1, 7))  # no None


def test_detections_with_jitter_and_missed_and_false_ones():
    times = np.arange(90) / 30
    boxes = crossing(times)
    assert idf1(tracked(detected(boxes, times)), boxes) >= 0.9


def test_results_and_instances_keep_their_order_and_content():
    times = np.arange(20) / 30
    frames = detected(crossing(times), times)
    copies = [replace(each, instances=[replace(one) for one in each.instances]) for each in frames]
    found = tracked(copies)
    assert all(one is other for one, other in zip(found, copies, strict=True))
    for each, before in zip(found, frames, strict=True):
        for one, other in zip(each.instances, before.instances, strict=True):
            assert one.box is other.box
            assert (one.dataset, one.box_score) == (other.dataset, other.box_score)


def test_the_first_frame_has_ids_in_the_order_of_the_instances():
    boxes = np.concatenate([walk(x + np.arange(3.0)) for x in (300, 20, 500, 150)], 1)
    assert ids(tracked(film(boxes))) == [[1, 2, 3, 4]] * 3


def test_only_ten_results_are_held_back():
    taken = []

    def arriving():
        for each in film(walk(np.arange(30.0))):
            taken.append(each)
            yield each

    for number, each in enumerate(ByteTracking()(arriving())):
        assert each is taken[number]
        assert len(taken) <= number + 11
    assert len(taken) == number + 1 == 30


def test_pictures_are_unchanged_and_each_film_begins_with_1():
    boxes = np.concatenate([walk(20 + np.arange(4.0)), walk(300 + np.arange(4.0))], 1)
    picture = Result('p.jpg', *WH, instances=[instance((0, 0, 9, 9))])
    parts = [
        [picture], film(boxes, source='a.mp4'), film(boxes, source='b.mp4'),
        film(boxes, source='b.mp4'), [picture, picture],
    ]  # fmt: skip
    given = [each for part in parts for each in part]
    found = tracked(given)
    assert [id(each) for each in found] == [id(each) for each in given]
    assert ids(found) == [[None]] + [[1, 2]] * 12 + [[None]] * 2


def test_a_person_and_an_animal_that_meet_and_turn_back_do_not_swap():
    """The tracks of one tracker would go on in a straight line, and so swap their ids."""
    x = np.concatenate([np.linspace(0, 100, 20), np.linspace(95, 0, 20)])
    people, animals = film(walk(x)), film(walk(200 - x), dataset='ap10k')
    frames = [
        replace(one, instances=one.instances + other.instances)
        for one, other in zip(people, animals, strict=True)
    ]
    for each in frames[30:]:
        each.instances.reverse()
    assert ids(tracked(frames)) == [[1, 2]] * 30 + [[2, 1]] * 10


def test_an_animal_that_is_missing_in_every_second_frame_starts_no_track():
    frames = film(walk(np.arange(10.0)))
    for each in frames[::2]:
        each.instances.append(instance((300, 100, 400, 200), 'ap10k'))
    assert ids(tracked(frames)) == [[1, None], [1]] * 5


def test_boxes_that_do_not_overlap_from_frame_to_frame_can_be_one_track():
    boxes = walk(52 * np.arange(10.0), wh=(50, 160))
    assert ids(tracked(film(boxes, np.arange(10) / 5))) == [[1]] * 10


@pytest.mark.parametrize('rate', [10, 50])
@pytest.mark.parametrize(('seconds', 'after'), [(0.6, 1), (1.5, 2)])
def test_a_figure_that_is_hidden_for_up_to_a_second_keeps_its_id(rate, seconds, after):
    """Else it has a new id, which was not used before."""
    times = np.arange(4 * rate) / rate
    boxes = walk(60 * times)
    boxes[(times >= 1) & (times < 1 + seconds)] = np.nan
    found = [row[0] for row in ids(tracked(film(boxes, times))) if row]
    assert found[: rate - 1] == [1] * (rate - 1)
    assert found[rate + 1 :] == [after] * (len(found) - rate - 1)


def test_a_track_ends_when_its_figure_leaves_the_picture():
    """A figure that enters at the same place half a second later has a new id."""
    leaves = walk(560 + 3 * np.arange(26.0))
    boxes = np.concatenate([leaves, np.full((15, 1, 4), np.nan), leaves[::-1]])
    boxes = np.clip(boxes, 0, [639, 479, 639, 479])
    found = [number for row in ids(tracked(film(boxes))) for number in row]
    assert found == [1] * 26 + [2] * 26


@pytest.mark.parametrize(('speed', 'after'), [(0.6, 2), (0, 1)], ids=['leaves', 'stands'])
def test_a_track_ends_if_its_figure_is_lost_while_it_leaves(speed, after):
    """The detector misses its last part. The same part of a figure that stands keeps its id."""
    leaves = walk(620 - speed * np.arange(25.0)[::-1])
    boxes = np.concatenate([leaves, np.full((12, 1, 4), np.nan), leaves[::-1]])
    boxes = np.clip(boxes, 0, [639, 479, 639, 479])
    found = [number for row in ids(tracked(film(boxes))) for number in row]
    assert found == [1] * 25 + [after] * 25


def test_lost_frames_count_by_their_times():
    """Frames that could not be read are missing in the stream."""
    frames = film(walk(np.arange(60.0)))
    assert ids(tracked(frames[:20] + frames[40:])) == [[1]] * 40


@pytest.mark.parametrize('times', [[None] * 9, [0, 0, 0.1, 0.1, 0.05, 0.2, 0.3, 0.3, 0.4]])
@pytest.mark.filterwarnings('error')
def test_missing_and_repeated_times_are_accepted(times):
    frames = film(walk(np.arange(9.0)))
    for each, time in zip(frames, times, strict=True):
        each.time = time
    assert ids(tracked(frames)) == [[1]] * 9


def scored(boxes, scores):
    """Results with one instance each, with these scores."""
    frames = film(boxes)
    for each, score in zip(frames, scores, strict=True):
        each.instances[0].box_score = score
    return frames


def test_a_low_score_extends_a_track_in_both_directions_but_starts_none():
    boxes = walk(np.arange(12.0))
    assert ids(tracked(scored(boxes, [0.4] * 3 + [0.6] * 5 + [0.4] * 4))) == [[1]] * 12
    assert ids(tracked(scored(boxes, [0.4] * 12))) == [[None]] * 12
    assert ids(tracked(scored(boxes, [0.4] * 12), start_score=0)) == [[1]] * 12


def test_a_new_track_gets_only_earlier_boxes_that_overlap_and_only_in_ten_frames():
    scores = [0.4] * 20 + [0.6] * 5
    assert ids(tracked(scored(walk(np.arange(25.0)), scores))) == [[None]] * 11 + [[1]] * 14
    away = walk(np.where(np.arange(25) < 17, 300.0, 0.0))
    assert ids(tracked(scored(away, scores))) == [[None]] * 17 + [[1]] * 8


def test_a_detection_in_only_one_frame_has_no_id():
    frames = film(walk(np.arange(12.0)))
    frames[5].instances.append(instance((400, 50, 450, 150)))
    assert ids(tracked(frames)) == [[1]] * 5 + [[1, None]] + [[1]] * 6


def test_films_without_instances_and_boxes_without_area():
    empty = [result(k, []) for k in range(3)]
    assert tracked(empty) == empty
    assert ids(tracked(film(walk(np.zeros(4), wh=(0, 0))))) == [[1]] * 4
    assert tracked([]) == []


def test_the_drawn_picture_shows_the_id():
    grey = np.full((96, 96, 3), 128, np.uint8)
    one = instance((30, 40, 70, 90), 'pair')
    each = Result(
        'a.mp4', 96, 96, [one], {'pair': PAIR}, frame=0, image=grey, place=PurePosixPath('0.png')
    )
    plain = each.drawn()
    labelled = {}
    for one.id in (1, 2):
        labelled[one.id] = each.drawn()
        changed = np.argwhere((labelled[one.id] != plain).any(2))
        assert 10 < len(changed) < 200
        assert (changed <= (45, 45)).all()  # at the upper left corner of the box
    assert (labelled[1] != labelled[2]).any()


def test_a_missing_package_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, 'trackers', None)
    with pytest.raises(UserError, match=r'^Tracking \(--track\) needs the package trackers: run '):
        ByteTracking()


@dataclass(frozen=True)
class Frames(Entry):
    """A film of four equal frames."""

    image: np.ndarray

    def count(self):
        return 4

    def pictures(self, place):
        for k in range(self.count()):
            yield ArrayPicture(
                source=self.full, place=place / f'{k}.png', frame=k, time=k / 30, array=self.image
            )


def test_the_predictor_sets_ids_if_it_gets_a_tracking(predictor):
    image = np.random.default_rng(0).integers(0, 255, (96, 72, 3), np.uint8)
    films = Sources([OneEntry(Frames('a', 'a.mp4', image), 0)])
    given = dict(boxes='whole', dataset='coco')
    assert ids(predictor(films, **given)) == [[None]] * 4
    assert ids(predictor(films, **given, track=predictor.tracking())) == [[1]] * 4
