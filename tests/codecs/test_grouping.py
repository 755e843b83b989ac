"""Encoding, grouping and decoding of people: targets are decoded to the same people."""

import time

import numpy as np
import pytest
import torch
from mmpose.codecs.associative_embedding import _group_keypoints_by_tags
from mmpose.registry import KEYPOINT_CODECS

from vitpose_plus.codecs.grouping import fill, group
from vitpose_plus.errors import UserError
from vitpose_plus.evaluation.ceilings import perfect_tags

K = 17
ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)


def codec(**kwargs):
    cfg = dict(type='BatchedAssociativeEmbedding', input_size=(512, 512), heatmap_size=(128, 128))
    return KEYPOINT_CODECS.build(dict(cfg, order=ORDER) | kwargs)


def crowd(number, rng):
    """People (N, K, 2) in input pixels; keypoints of the same kind are far from each other."""
    spots = np.stack(np.meshgrid(np.arange(40, 500, 64), np.arange(40, 500, 64)), -1).reshape(-1, 2)
    points = [rng.permutation(spots)[:number] for _ in range(K)]
    return (np.stack(points, 1) + rng.uniform(-6, 6, (number, K, 2))).astype(np.float32)


def targets(encoded, flips=1):
    """Heatmaps (1, K, h, w) and perfect tags (1, flips * K, h, w)."""
    heatmaps = torch.from_numpy(encoded['heatmaps'])[None]
    indices = torch.from_numpy(encoded['keypoint_indices'])
    return heatmaps, perfect_tags(indices, heatmaps.shape).repeat(1, flips, 1, 1)


def matched(points, truth):
    """The found person for each true person, by the median distance of their keypoints."""
    apart = np.median(np.linalg.norm(truth[:, None] - points, axis=-1), axis=-1)
    assert sorted(apart.argmin(1)) == list(range(len(points)))
    return points[apart.argmin(1)]


@pytest.mark.parametrize('flips', [1, 2])
def test_perfect_heatmaps_and_tags_are_decoded_to_the_people(flips):
    truth = crowd(20, np.random.default_rng(0))
    encoded = codec().encode(truth)
    [points], [scores], [person_scores] = codec().batch_decode(*targets(encoded, flips))
    assert points.shape == (20, K, 2)
    assert np.abs(matched(points, truth) - truth).max() < 0.1  # input pixels
    assert scores.min() > 0.9
    assert person_scores.min() > 0.9


def test_heatmaps_flip_with_the_picture():
    truth = crowd(5, np.random.default_rng(0))
    mirrored = truth.copy()
    mirrored[..., 0] = 511 - truth[..., 0]
    flipped = codec().encode(mirrored)['heatmaps'][..., ::-1]
    np.testing.assert_allclose(codec().encode(truth)['heatmaps'], flipped, atol=1e-5)


def test_tags_separate_people_who_overlap():
    """Every keypoint is nearer to those of the other people than to any of its own person."""
    one = crowd(1, np.random.default_rng(1))
    truth = np.concatenate([one, one + np.float32([14, 0]), one + np.float32([0, 14])])
    encoded = codec().encode(truth)
    [points], _, _ = codec().batch_decode(*targets(encoded))
    assert np.abs(matched(points, truth) - truth).max() < 2  # neighbouring peaks shift each other
    heatmaps, tags = targets(encoded)
    [mixed], _, _ = codec().batch_decode(heatmaps, torch.zeros_like(tags))
    apart = np.linalg.norm(truth[:, None] - mixed, axis=-1)  # (people, found, K)
    assert (apart < 2).all(-1).sum() < 3


def test_groups_equal_those_of_mmpose():
    """With one candidate per person: among equal costs the assignment is not defined."""
    rng = np.random.default_rng(0)
    for number in (1, 5, 12):
        scores = rng.uniform(0, 1, (K, number)).astype(np.float32)
        person = np.stack([rng.permutation(number) for _ in range(K)])[..., None]
        tags = (2 * person + rng.normal(0, 0.2, (K, number, 2))).astype(np.float32)
        places = rng.uniform(0, 128, (K, number, 2)).astype(np.float32)
        theirs = _group_keypoints_by_tags(scores, tags, places, ORDER, 0.1, 1.0)
        ours = group(scores, tags, ORDER)
        columns = np.arange(K)
        found = np.where((ours >= 0)[..., None], places[columns, ours], 0)
        np.testing.assert_array_equal(found, theirs[..., :2])


def test_missing_keypoints_are_filled_where_the_tag_fits():
    truth = crowd(2, np.random.default_rng(2))
    heatmaps, tags = targets(codec().encode(truth))
    heatmaps[:, 9] *= 0.09  # too faint to be found
    [points], [scores], [person_scores] = codec().batch_decode(heatmaps, tags)
    assert np.abs(matched(points, truth) - truth).max() < 0.5
    assert (scores[:, 9] < 0.1).all()
    expected = scores[:, np.arange(K) != 9].sum(1) / K
    np.testing.assert_allclose(person_scores, expected, rtol=1e-5)


def test_the_filled_pixel_is_the_best_of_all():
    torch.manual_seed(0)
    heatmaps, tags, means = torch.rand(3, 9, 7), 3 * torch.randn(6, 9, 7), torch.randn(4, 2)
    missing = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]], dtype=bool)
    before = torch.randint(0, 7, (3, 4, 2))
    after = fill(before, missing, heatmaps, tags, means)
    for k in range(3):
        for person in range(4):
            if not missing[person, k]:
                assert torch.equal(after[k, person], before[k, person])
                continue
            costs = {
                (x, y): round((tags[k::3, y, x] - means[person]).norm().item()) * 100
                - heatmaps[k, y, x].item()
                for x in range(7)
                for y in range(9)
            }
            assert tuple(after[k, person].tolist()) == min(costs, key=costs.get)


def test_pictures_without_people():
    for truth, visible in ((np.zeros((0, K, 2), np.float32), None), (np.ones((2, K, 2)), 0)):
        seen = None if visible is None else np.zeros((2, K), np.float32)
        encoded = codec().encode(truth, seen)
        assert not encoded['heatmaps'].any()
        assert encoded['keypoint_indices'].shape == (30, K, 2)
        assert not encoded['keypoint_indices'].any()
    [points], [scores], [person_scores] = codec().batch_decode(*targets(encoded))
    assert points.shape == (0, K, 2)
    assert scores.shape == (0, K)
    assert person_scores.shape == (0,)


def test_keypoints_outside_the_picture_are_not_labelled():
    truth = crowd(1, np.random.default_rng(0))
    truth[0, 3] = [-1.0, 100.0]
    truth[0, 4] = [100.0, 512.0]
    encoded = codec().encode(truth)
    for k in (3, 4):
        assert not encoded['heatmaps'][k].any()
        assert encoded['keypoint_indices'][0, k].tolist() == [0, 0]
    assert encoded['keypoint_indices'][0, :, 1].sum() == K - 2


def test_more_people_than_the_limit():
    """Heatmaps contain all people, those with most keypoints have tags, the best are found."""
    rng = np.random.default_rng(0)
    truth, visible = crowd(35, rng), np.ones((35, K), np.float32)
    visible[[0, 7, 8, 20, 34], 5:] = 0
    encoded = codec().encode(truth, visible)
    everybody = codec(max_people=50).encode(truth, visible)
    np.testing.assert_array_equal(encoded['heatmaps'], everybody['heatmaps'])
    assert encoded['keypoint_indices'].shape == (30, K, 2)
    assert encoded['keypoint_indices'][..., 1].all()
    np.testing.assert_array_equal(encoded['keypoint_indices'], everybody['keypoint_indices'][:30])
    heatmaps, tags = targets(everybody)
    [points], [scores], [person_scores] = codec(max_people=10).batch_decode(heatmaps, tags)
    assert points.shape == (10, K, 2)
    assert scores.shape == (10, K)
    [_], [_], [all_scores] = codec(max_people=50).batch_decode(heatmaps, tags)
    np.testing.assert_array_equal(person_scores, all_scores[:10])
    assert (np.diff(all_scores) <= 0).all()


def test_an_order_of_other_keypoints_is_refused():
    encoded = codec().encode(crowd(1, np.random.default_rng(0)))
    with pytest.raises(UserError, match='not one of 17 keypoints: correct grouping_order'):
        codec(order=range(14)).batch_decode(*targets(encoded))


def best_time(function, repeats=5):
    """Seconds of CPU time, so that other processes do not count."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def test_thirty_people_are_grouped_fast():
    """Measured: 2 ms for grouping and 35 ms for the complete decoding. The bounds are wide."""
    rng = np.random.default_rng(0)
    visible = (rng.random((30, K)) < 0.6).astype(np.float32)
    heatmaps, tags = targets(codec().encode(crowd(30, rng), visible), flips=2)
    peaks = codec()._get_batch_topk(heatmaps, tags, 30)
    scores, own = (each[0].numpy() for each in peaks[:2])
    assert len(group(scores, own, ORDER)) >= 30
    assert best_time(lambda: group(scores, own, ORDER)) < 0.05
    assert best_time(lambda: codec().batch_decode(heatmaps, tags)) < 0.5


BROKEN = [float('nan'), float('inf'), -float('inf')]


def with_broken_pixels(heatmaps, tags, value, which):
    """Heatmaps and tags with 35 broken pixels per keypoint, and heatmaps with 0 in these pixels.

    The pixels are far from all peaks. Broken is either the heatmap value, or one of the two tags at
    a high heatmap value.
    """
    rng = np.random.default_rng(1)
    heatmaps, tags, without = heatmaps.clone(), tags.clone(), heatmaps.clone()
    for k in range(K):
        free = torch.nonzero(heatmaps[0, k] < 1e-6).numpy()
        y, x = rng.permutation(free)[:35].T
        heatmaps[0, k, y, x] = value if which == 'heatmaps' else 2.0
        without[0, k, y, x] = 0.0
        if which == 'tags':
            tags[0, k, y, x] = value
    return heatmaps, tags, without


@pytest.mark.parametrize('which', ['heatmaps', 'tags'])
@pytest.mark.parametrize('value', BROKEN)
def test_candidates_that_are_not_finite_are_ignored(value, which):
    """They are more than the candidates per keypoint, so that they could displace all others."""
    truth = crowd(6, np.random.default_rng(0))
    heatmaps, tags = targets(codec().encode(truth), flips=2)
    heatmaps[:, 9, :40] *= 0.09  # too faint to be found: it is filled
    heatmaps, tags, without = with_broken_pixels(heatmaps, tags, value, which)
    found = codec().batch_decode(heatmaps, tags)
    expected = codec().batch_decode(without, tags.nan_to_num(1e6, 1e6, 1e6))
    for [ours], [theirs] in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(matched(found[0][0], truth) - truth).max() < 0.5


@pytest.mark.parametrize('value', [*BROKEN, 3e38])
def test_grouping_ignores_candidates_that_are_not_finite(value):
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.2, 1, (K, 6)).astype(np.float32)
    tags = 3 * np.stack([rng.permutation(6) for _ in range(K)])[..., None].astype(np.float32)
    expected = group(scores, tags, ORDER)
    assert len(expected) == 6
    more = np.insert(scores, [2, 6], [0.9, np.nan], axis=1)  # one broken tag, one broken score
    with_them = np.insert(tags, [2, 6], [[value], [0.0]], axis=1)
    found = group(more, with_them, ORDER)
    if np.isfinite(value):  # a valid tag, far from all others: one more person
        assert (found == 2).all(1).sum() == 1
        found = found[~(found == 2).all(1)]
    assert 2 not in found
    assert 7 not in found
    np.testing.assert_array_equal(found - (found > 2), expected)


def test_without_finite_values_nobody_is_found():
    heatmaps = torch.full((1, K, 128, 128), float('nan'))
    [points], [scores], [_] = codec().batch_decode(heatmaps, torch.rand_like(heatmaps))
    assert points.shape == (0, K, 2)
    heatmaps, tags = targets(codec().encode(crowd(1, np.random.default_rng(0))))
    tags[:, 9] = float('nan')  # a keypoint without finite tags is not found and has score 0
    [points], [scores], [_] = codec().batch_decode(heatmaps, tags)
    assert scores[0, 9] == 0
    assert np.isfinite(points).all()


@pytest.mark.gpu
def test_a_gpu_finds_the_same_people():
    heatmaps, tags = targets(codec().encode(crowd(20, np.random.default_rng(0))), flips=2)
    heatmaps[:, 9] *= 0.09  # to be filled
    there = codec().batch_decode(heatmaps.cuda(), tags.cuda())
    for ours, theirs in zip(codec().batch_decode(heatmaps, tags), there, strict=True):
        np.testing.assert_allclose(theirs[0], ours[0], atol=1e-3)
