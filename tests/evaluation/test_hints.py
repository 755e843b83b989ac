"""Results that are probably a mistake have a hint, and no other result has one."""

from itertools import repeat

import numpy as np
import pytest

from vitpose_plus.evaluation.hints import Places, idle_hint, metric_hints, missing_results

NAN = float('nan')
NOTHING = 'the annotations have no instance that counts; look at their category_id, iscrowd and'
ZERO = 'no prediction is near its annotation; look for a checkpoint of another model, boxes of'
UNDEFINED = 'not a number: there is nothing to average'


@pytest.mark.parametrize(
    ('metrics', 'hints'),
    [
        ({'coco/AP': 0.7, 'coco/AP (M)': -1.0, 'coco/AP (L)': 0.0, 'coco/AR': 0.0}, []),
        ({'coco/AP': np.float64(0)}, [f'coco/AP is 0: {ZERO}']),
        ({'coco/AP': -1.0, 'coco/AR': -1.0}, [f'coco/AP is -1: {NOTHING}']),
        ({'AP': NAN}, [f'AP is {UNDEFINED}']),
        ({'coco/AP': 0, 'aic/AP': 0, 'mpii/PCK': 90}, [f'coco/AP, aic/AP are 0: {ZERO}']),
        (
            {'coco/AP': 0.0, 'aic/AP': -1, 'hand/AUC': NAN},
            [f'aic/AP is -1: {NOTHING}', f'coco/AP is 0: {ZERO}', f'hand/AUC is {UNDEFINED}'],
        ),
        ({'PCK': 0.0, 'AUC': 0.0, 'EPE': 0.0}, [f'PCK, AUC are 0: {ZERO}']),
        ({'EPE': 0.0, 'NME': 0.0, 'PCK': 1.0}, []),
        ({'EPE': NAN, 'NME': NAN}, [f'EPE, NME are {UNDEFINED}']),
        ({'AP': 1e-9, 'EPE': -1, 'AP .5': 0, 'note': 'none'}, []),
        ({}, []),
    ],
)
def test_main_metrics(metrics, hints):
    found = metric_hints(metrics)
    assert len(found) == len(hints)
    assert all(f.startswith(hint) and '\n' not in f for f, hint in zip(found, hints, strict=True))


def test_zero_is_normal_in_a_first_validation():
    assert metric_hints({'coco/AP': 0.0, 'mpii/PCK': 0.0}, trained=False) == []
    assert len(metric_hints({'coco/AP': -1.0, 'mpii/PCK': NAN}, trained=False)) == 2


def test_a_dataset_without_result_is_named():
    metrics = {'coco/AP': 0.7, 'coco_wholebody/AP': 0.5}
    assert missing_results(['coco', 'coco_wholebody'], metrics) == []
    [hint] = missing_results(['coco', 'coco_wholebody', 'aic', 'mpii'], metrics)
    assert hint == 'There is no result for aic, mpii: look at its metric.'
    [hint] = missing_results(['coco'], {'coco_wholebody/AP': 0.5})
    assert hint.startswith('There is no result for coco:')


ONE_POINT = 'have all keypoints of every instance at one point, independent of the pictures'
SAME = 'have the same keypoints in every crop, independent of the pictures'


def predicted(crops, spread, moving, keypoints=17):
    """Yields keypoints of random crops; ``spread`` and ``moving`` are parts of the crop's size."""
    rng = np.random.default_rng(0)
    pose = rng.uniform(-0.5, 0.5, (keypoints, 2)) * spread
    for _ in range(crops):
        center, scale = rng.uniform(0, 500, 2), rng.uniform(40, 400) * np.array([0.75, 1])
        moved = pose + rng.uniform(-0.5, 0.5, (1, keypoints, 2)) * moving
        yield center + moved * scale, center, scale


@pytest.mark.parametrize(
    ('crops', 'hint'),
    [
        (predicted(20, spread=0.8, moving=0.3), None),
        (predicted(20, spread=0.0, moving=0.3), None),
        (predicted(20, spread=0.8, moving=0.05), None),
        (predicted(20, spread=0.05, moving=0.05), None),
        (predicted(20, spread=0.0, moving=0.0), ONE_POINT),
        (predicted(1, spread=0.01, moving=0.005), ONE_POINT),
        (predicted(20, spread=0.8, moving=0.01), SAME),
        (predicted(5, spread=0.8, moving=0.01), None),
        (predicted(20, spread=0.0, moving=0.0, keypoints=1), None),
        ([(np.zeros((0, 17, 2)), np.zeros(2), np.ones(2))], None),
        ([(np.full((1, 17, 2), NAN), np.zeros(2), np.ones(2))] * 20, None),
        ([], None),
    ],
)
def test_predictions_at_one_place(crops, hint):
    places = Places()
    for crop in crops:
        places.add(*crop)
    found = places.hints('coco')
    assert [f.partition(':')[0] for f in found] == (
        [f'The predictions for coco {hint}'] if hint else []
    )


def test_one_instance_with_other_positions_prevents_the_hint():
    for after in (False, True):
        places, others = Places(), list(predicted(20, spread=0.0, moving=0.0))
        [other] = predicted(1, spread=0.8, moving=0.0)
        for crop in [*others, other] if after else [other, *others]:
            places.add(*crop)
        assert places.hints('coco') == []


def labelled(*visibilities):
    return [dict(keypoints_visible=np.array([v], np.float32)) for v in visibilities]


@pytest.mark.parametrize(
    ('samples', 'infos', 'hint'),
    [
        (2, labelled([0, 0], [0, 1]), None),
        (2, labelled([0, 0], [0, 0.25]), None),
        (2, labelled([0, 0], [0, 0]), 'The training learns nothing from own: no keypoint of it'),
        (2, labelled([0, -1]), 'The training learns nothing from own: no keypoint of it'),
        (0, labelled([1, 1]), 'The training takes no sample of own: look at its ratio'),
        (2, [{}], None),
    ],
)
def test_a_dataset_that_contributes_nothing(samples, infos, hint):
    found = idle_hint('own', samples, infos)
    assert found.startswith(hint) if hint else found is None


def test_samples_are_read_up_to_the_first_with_a_keypoint():
    assert idle_hint('own', 1, repeat(*labelled([0, 1]))) is None  # repeat never ends
