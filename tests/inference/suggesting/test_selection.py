"""Laws of the selection of frames that are worth labelling."""

import numpy as np
import pytest

from vitpose_plus.inference.suggesting.selection import PARTS, candidates, select


def frames(seed: int, number: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Uncertainties and features of different frames."""
    random = np.random.default_rng(seed)
    return (random.permutation(number) + 1) / number, random.normal(size=(number, 3))


@pytest.mark.parametrize('seed', range(5))
def test_the_order_of_the_candidates_does_not_matter(seed: int) -> None:
    unsure, features = frames(seed)
    order = np.random.default_rng(seed + 100).permutation(len(features))
    known = features[:2] + 0.5
    chosen = select(unsure, features, 6, known)
    assert order[select(unsure[order], features[order], 6, known)].tolist() == chosen


@pytest.mark.parametrize('seed', range(5))
def test_copies_come_after_all_other_candidates(seed: int) -> None:
    unsure, features = frames(seed)
    twice = np.concatenate([features, features, features[:1].repeat(300, axis=0)])
    chosen = select(np.concatenate([unsure, unsure, np.ones(300)]), twice, 60)
    assert len(np.unique(twice[chosen[:40]], axis=0)) == 40
    assert len(set(chosen)) == 60


def test_known_frames_come_last() -> None:
    unsure, features = frames(0)
    chosen = select(unsure, features, 40, features[:10])
    assert sorted(chosen[:30]) == list(range(10, 40))
    assert sorted(chosen) == list(range(40))


def test_a_count_above_the_candidates_gives_all() -> None:
    unsure, features = frames(1)
    assert sorted(select(unsure, features, 1000)) == list(range(40))
    assert select(unsure[:0], features[:0], 3) == []


def test_uncertain_distant_candidates_are_chosen() -> None:
    unsure = np.array([1.0, 0.9, 0.5, 0.2])
    features = np.array([[0.0], [1.0], [4.0], [6.0]])
    assert select(unsure, features, 3) == [0, 2, 1]  # 0.5 * 4, then 0.9 * 1
    assert select(unsure, features, 1, np.array([[0.0]])) == [2]


@pytest.mark.parametrize(('number', 'count'), [(0, 3), (7, 3), (30, 3), (1000, 3), (999, 7)])
def test_candidates_are_the_most_uncertain_of_equal_parts(number: int, count: int) -> None:
    unsure = np.random.default_rng(number).random(number)
    rows = candidates(unsure, count)
    assert len(rows) == min(number, PARTS * count)
    parts = np.array_split(unsure, max(len(rows), 1))
    assert unsure[rows].tolist() == [part.max() for part in parts if len(part)]
    assert rows.tolist() == sorted(set(rows.tolist()))
