"""Laws of the measures that show frames with wrong keypoints."""

import numpy as np
import pytest
from mmengine.config import Config

from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.suggesting.measures import (
    FlipDistance,
    JumpingKeypoints,
    LowScore,
    has_flip_test,
    measures_of,
    uncertainty,
)


def instance(scores: list[float], scale: float = 1.0, jumps: list[bool] | None = None) -> Instance:
    """An instance whose mirrored keypoints are 5 pixels away, in a box of 100 x 50 pixels."""
    return Instance(
        'mouse',
        box=np.array([10, 20, 110, 70]) * scale,
        box_score=1.0,
        keypoints=np.full((len(scores), 2), 30.0) * scale,
        scores=np.array(scores),
        flip_distance=np.full(len(scores), 5.0) * scale,
        spread=np.ones(len(scores)) * scale,
        jumps=None if jumps is None else np.array(jumps),
    )


def result(*instances: Instance) -> Result:
    return Result('film.mp4', 640, 480, list(instances))


def test_the_instance_with_the_lowest_score_counts() -> None:
    one, other = instance([0.9, 0.7]), instance([0.5, 0.1])
    assert LowScore().value(result(one)) == pytest.approx(0.2)
    assert LowScore().value(result(one, other)) == pytest.approx(0.7)


@pytest.mark.parametrize('scale', [0.5, 1.0, 3.0])
def test_the_flip_distance_does_not_depend_on_the_resolution(scale: float) -> None:
    assert FlipDistance().value(result(instance([1.0, 1.0], scale))) == pytest.approx(0.05)


def test_all_keypoints_that_jump_count() -> None:
    jumping = instance([1, 1, 1], jumps=[True, False, True])
    assert JumpingKeypoints().value(result(jumping, instance([1, 1, 1]), jumping)) == 4
    assert JumpingKeypoints().value(result(instance([1]))) == 0


def test_the_units_of_the_measures_do_not_matter() -> None:
    random = np.random.default_rng(0)
    values = random.random((30, 3))
    assert (uncertainty(values) == uncertainty(np.stack([*values.T], 1) ** 3 * [5, 2, 9])).all()
    order = random.permutation(30)
    assert (uncertainty(values[order]) == uncertainty(values)[order]).all()


def test_equal_values_have_equal_ranks_and_say_nothing() -> None:
    first = np.array([[0.3], [0.1], [0.2]])
    with_zeros = np.hstack([first, np.zeros((3, 1))])
    assert uncertainty(first).tolist() == pytest.approx([1, 1 / 3, 2 / 3])
    assert uncertainty(with_zeros).argsort().tolist() == uncertainty(first).argsort().tolist()
    assert len(uncertainty([])) == 0


def test_the_mirrored_view_is_used_if_the_model_is_tested_with_it() -> None:
    shipped = read_config('vitpose-plus-tiny_figures-256x192')
    kinds = [type(measure) for measure in measures_of(shipped, 'coco')]
    assert kinds == [LowScore, FlipDistance, JumpingKeypoints]
    shipped.model.test_cfg.flip_test = False
    assert FlipDistance not in map(type, measures_of(shipped, 'coco'))


def test_a_dataset_can_be_tested_without_the_mirrored_view() -> None:
    heads = [dict(dataset='coco'), dict(dataset='mouse', test_cfg=dict(flip_test=False))]
    cfg = Config(dict(model=dict(test_cfg=dict(flip_test=True), head=dict(heads=heads))))
    assert has_flip_test(cfg)
    assert has_flip_test(cfg, 'coco')
    assert not has_flip_test(cfg, 'mouse')
