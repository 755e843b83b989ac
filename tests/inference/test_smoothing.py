"""The smoothers equal slow references, and reduce the jitter of a synthetic walking figure.

``python -m tests.inference.test_smoothing`` prints the errors and the lag of each smoother.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import savgol_filter

from tests.helpers.comparing import assert_same
from tests.helpers.tracks import K, film, walking
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference.smoothing import SMOOTHERS, OneEuro, SavitzkyGolay

RATE = 30
BOTH = pytest.mark.parametrize('smoother', [kind() for kind in SMOOTHERS.values()], ids=SMOOTHERS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def uneven(rng, number=60):
    """Times of a film with a variable rate: 10 to 100 frames per second."""
    return np.cumsum(rng.uniform(0.01, 0.1, number))


def smoothed(smoother, results):
    """Returns x, y (T, K, 2) of the smoothed keypoints of the only track."""
    return np.stack([one.smoothed for result in smoother(results) for one in result.instances])


# Both smoothers


@BOTH
def test_a_figure_at_rest_stays_in_place(smoother, rng):
    points = np.repeat(walking([0.3]), 60, axis=0)
    scores = rng.uniform(0, 1, (60, K))
    assert_same(smoothed(smoother, film(uneven(rng), points, scores)), points)


@BOTH
def test_the_result_scales_with_the_picture(smoother, rng):
    """The result of a film with 4 times as many pixels in each direction is 4 times as large."""
    times = uneven(rng)
    small = list(film(times, walking(times) + rng.normal(0, 5, (60, K, 2))))
    large = [
        replace(
            result,
            instances=[
                replace(one, box=4 * one.box, keypoints=4 * one.keypoints)
                for one in result.instances
            ],
        )
        for result in small
    ]
    assert_same(smoothed(smoother, large), 4 * smoothed(smoother, small))


@BOTH
def test_each_track_and_each_film_is_smoothed_on_its_own(smoother, rng):
    """The ids are the same in both films."""
    times = uneven(rng)
    noisy = walking(times) + rng.normal(0, 5, (2, 2, 60, K, 2))  # films, tracks
    alone = [[smoothed(smoother, film(times, track)) for track in tracks] for tracks in noisy]
    stream = []
    for name, tracks in zip('ab', noisy, strict=True):
        one, other = (film(times, track, id=id) for id, track in enumerate(tracks))
        for first, second in zip(one, other, strict=True):
            instances = first.instances + second.instances
            stream.append(replace(first, source=name, instances=instances))
    found = [[one.smoothed for one in result.instances] for result in smoother(iter(stream))]
    expected = np.array(alone).transpose(0, 2, 1, 3, 4).reshape(120, 2, K, 2)
    np.testing.assert_array_equal(found, expected)


@BOTH
def test_a_film_that_begins_again_is_a_new_film(smoother, rng):
    """The same source may be given twice."""
    times = uneven(rng)
    results = list(film(times, walking(times) + rng.normal(0, 5, (60, K, 2))))
    once = smoothed(smoother, results)
    np.testing.assert_array_equal(smoothed(smoother, results * 2), np.concatenate([once, once]))


@BOTH
def test_each_keypoint_is_smoothed_on_its_own(smoother, rng):
    times, scores = uneven(rng), rng.uniform(0, 1, (60, K))
    noisy = walking(times) + rng.normal(0, 5, (60, K, 2))
    results = list(film(times, noisy, scores))
    for k in (0, 9):
        single = [
            replace(
                result,
                instances=[
                    replace(one, keypoints=one.keypoints[[k]], scores=one.scores[[k]])
                    for one in result.instances
                ],
            )
            for result in results
        ]
        assert_same(smoothed(smoother, single)[:, 0], smoothed(smoother, results)[:, k])


@BOTH
def test_low_scores_change_no_other_frame_and_keep_their_position(smoother, rng):
    times, scores = uneven(rng), rng.uniform(0, 1, (60, K))
    scores[5, 3] = 0.1
    low = scores <= smoother.score
    results = list(film(times, walking(times), scores))
    wrong = []
    for result, is_low in zip(results, low, strict=True):
        [one] = result.instances
        moved = one.keypoints + np.where(is_low[:, None], rng.normal(0, 100, (K, 2)), 0)
        wrong.append(replace(result, instances=[replace(one, keypoints=moved)]))
    wrong[5].instances[0].keypoints[3] = np.nan
    found = smoothed(smoother, wrong)
    np.testing.assert_array_equal(
        found[low], np.stack([r.instances[0].keypoints for r in wrong])[low]
    )
    np.testing.assert_array_equal(found[~low], smoothed(smoother, results)[~low])


@BOTH
def test_what_is_in_no_track_passes_unchanged(smoother, rng):
    times = uneven(rng)
    without_id = list(film(times, walking(times), id=None))
    pictures = [replace(one, time=None, frame=None) for one in film(times, walking(times))]
    for results in (without_id, pictures):
        assert list(smoother(results)) == results


@BOTH
def test_the_raw_keypoints_stay(smoother, rng):
    times = uneven(rng)
    results = list(film(times, walking(times) + rng.normal(0, 5, (60, K, 2))))
    for before, after in zip(results, smoother(results), strict=True):
        assert before.instances[0].smoothed is None
        np.testing.assert_array_equal(after.instances[0].smoothed.shape, (K, 2))
        assert 'smoothed' not in before.to_dict()['instances'][0]
        line = after.to_dict()
        written = line['instances'][0].pop('smoothed')
        assert line == before.to_dict()
        np.testing.assert_allclose(written, after.instances[0].smoothed, atol=1e-4)


@BOTH
def test_times_that_do_not_increase_give_finite_numbers(smoother, rng):
    times = uneven(rng)
    times[[10, 20, 40]] = times[[9, 18, 41]]
    noisy = walking(times) + rng.normal(0, 5, (60, K, 2))
    assert np.isfinite(smoothed(smoother, film(times, noisy))).all()


@BOTH
def test_few_results_are_read_ahead(smoother, rng):
    read = []
    stream = (read.append(1) or result for result in film(uneven(rng), walking(uneven(rng))))
    ahead = dict(OneEuro=0, SavitzkyGolay=5)[type(smoother).__name__]
    for number, _ in enumerate(smoother(stream), 1):
        assert len(read) <= number + ahead


def test_smoothed_positions_are_drawn(rng):
    times = uneven(rng)[:3]
    image = np.zeros((480, 640, 3), np.uint8)
    skeleton = Skeleton('coco', ('a',) * K, ((0, 1),), (0,) * K, (0.05,) * K, (64, 64))
    raw = film(times, walking(times) + rng.normal(0, 5, (3, K, 2)))
    results = [replace(one, image=image, skeletons=dict(coco=skeleton)) for one in raw]
    *_, last = OneEuro()(results)
    [own] = last.instances
    moved = replace(last, instances=[replace(own, keypoints=own.smoothed, smoothed=None)])
    np.testing.assert_array_equal(last.drawn(), moved.drawn())
    assert (last.drawn() != results[-1].drawn()).any()


# The 1 EUR filter


def reference(values, times, seen, size, min_cutoff, beta, d_cutoff):
    """Algorithm 1 of the paper for one coordinate; ``seen`` selects the updates."""

    def alpha(step, cutoff):
        return 1 / (1 + 1 / (2 * np.pi * cutoff) / step)

    found, position, speed, before, last = [], None, 0.0, None, None
    for value, time, is_seen in zip(values, times, seen, strict=True):
        if not is_seen:
            found.append(value)
            continue
        if position is None:
            position = value
        else:
            step = time - before
            factor = alpha(step, d_cutoff)
            speed = factor * (value - last) / step + (1 - factor) * speed
            factor = alpha(step, min_cutoff + beta / size * abs(speed))
            position = factor * value + (1 - factor) * position
        before, last = time, value
        found.append(position)
    return found


def test_one_euro_equals_the_algorithm_for_one_number(rng):
    times, scores = uneven(rng), rng.uniform(0, 1, (60, K))
    noisy = walking(times) + rng.normal(0, 5, (60, K, 2))
    settings = dict(min_cutoff=0.7, beta=3.0, d_cutoff=1.5)
    found = smoothed(OneEuro(**settings, score=0.5), film(times, noisy, scores))
    size = np.sqrt(150 * 300)
    for k in range(K):
        for axis in range(2):
            given = noisy[:, k, axis], times, scores[:, k] > 0.5, size
            assert_same(found[:, k, axis], np.array(reference(*given, **settings)))


def test_slow_motion_with_lower_cutoffs_gives_the_same(rng):
    """The filter has no other scale of time than its cutoffs."""
    times = uneven(rng) / 4  # also 4 times slower, no pause is long enough to begin again
    noisy = walking(4 * times) + rng.normal(0, 5, (60, K, 2))
    fast = smoothed(OneEuro(min_cutoff=4, beta=6, d_cutoff=8), film(times, noisy))
    slow = smoothed(OneEuro(min_cutoff=1, beta=6, d_cutoff=2), film(4 * times, noisy))
    assert_same(slow, fast)


def test_variable_steps_of_time_converge_to_the_same_as_equal_steps(rng):
    """The difference from a film with 1920 frames per second is proportional to the steps."""
    dense = np.arange(3840) / 1920
    expected = smoothed(OneEuro(), film(dense, walking(dense)))
    apart = []
    for step in (64, 16):  # 30 and 120 frames per second on average
        some = np.cumsum(rng.integers(step // 2, 3 * step // 2 + 1, 3840))
        some = np.r_[0, some[some < 3840]]
        found = smoothed(OneEuro(), film(dense[some], walking(dense[some])))
        apart.append(np.linalg.norm(found - expected[some], axis=-1).mean())
    assert apart[0] < 2.0
    assert apart[1] < apart[0] / 3


def test_a_track_begins_again_after_a_long_pause(rng):
    times = np.array([0.0, 0.1, 0.2, 6.0, 6.1])
    noisy = walking(times) + rng.normal(0, 5, (5, K, 2))
    found = smoothed(OneEuro(), film(times, noisy))
    np.testing.assert_array_equal(found[3], noisy[3])
    assert (found[[1, 2, 4]] != noisy[[1, 2, 4]]).all()


# The filter of Savitzky and Golay


@pytest.mark.parametrize(('window', 'order'), [(5, 2), (11, 2), (11, 3), (7, 0)])
def test_savgol_equals_scipy_for_a_constant_rate(window, order, rng):
    """At the ends, it equals a fit of the frames that exist."""
    times = np.arange(40) / 25
    noisy = walking(times) + rng.normal(0, 5, (40, K, 2))
    found = smoothed(SavitzkyGolay(window, order), film(times, noisy))
    half = window // 2
    expected = savgol_filter(noisy, window, order, axis=0)
    assert_same(found[half:-half], expected[half:-half], roundings=1e4)
    for number in range(half - 1):
        near = slice(0, number + half + 1)
        fit = np.polynomial.Polynomial.fit(times[near], noisy[near, 3, 0], order)
        if number + half > order:
            assert_same(found[number, 3, 0], fit(times[number]), roundings=1e4)


@pytest.mark.parametrize('order', [0, 1, 2, 3])
def test_savgol_keeps_polynomials_for_any_times(order, rng):
    """Frames may be missing, and scores may be low."""
    times, scores = uneven(rng), rng.uniform(0.1, 1, (60, K))
    factors = rng.normal(0, 50, (order + 1, K, 2))
    points = np.einsum('tp,pkc->tkc', times[:, None] ** np.arange(order + 1), factors)
    missing = (7, 8, 30)
    found = smoothed(SavitzkyGolay(9, order), film(times, points, scores, missing))
    assert_same(found, np.delete(points, missing, axis=0), roundings=1e4)


@pytest.mark.parametrize(('rate', 'frames'), [(4, 3), (10, 5), (20, 11), (60, 11)])
def test_the_window_of_savgol_has_a_longest_duration(rate, frames, rng):
    times = np.arange(40) / rate
    noisy = walking(times) + rng.normal(0, 5, (40, K, 2))
    found = smoothed(SavitzkyGolay(), film(times, noisy))
    expected = savgol_filter(noisy, frames, 2, axis=0)  # with 3 frames, it changes nothing
    assert_same(found[5:-5], expected[5:-5], roundings=1e4)


# Errors and numbers


@pytest.mark.parametrize(
    ('kind', 'settings', 'message'),
    [
        (OneEuro, dict(min_cutoff=0), r'cutoffs 0 and 1.0 with beta 20.0 are wrong: give cutoffs'),
        (OneEuro, dict(beta=-1), r'beta -1 are wrong: give cutoffs above 0, and beta 0 or more'),
        (SavitzkyGolay, dict(window=4), r'window of 4 frames .* is wrong: give an odd number of'),
        (SavitzkyGolay, dict(seconds=0), r'or 0 seconds with the order 2 is wrong: .* above 0'),
        (SavitzkyGolay, dict(window=3, order=3), r'order 3 is wrong: .* and an order below the'),
    ],
)
def test_wrong_settings_raise_one_sentence(kind, settings, message):
    with pytest.raises(UserError, match=message):
        kind(**settings)


def measure(smoother, jitter, rate=RATE, speed=1):
    """Returns the mean distance from the truth without and with smoothing, and the lag.

    Args:
        smoother: The smoother.
        jitter: The standard deviation of the jitter of x and of y, in pixels.
        rate: Frames per second.
        speed: 1 for walking, 0 for a figure at rest.
    """
    times = np.arange(rate * 10) / rate
    truth = walking(speed * times)
    noisy = truth + np.random.default_rng(0).normal(0, jitter, truth.shape)
    found = smoothed(smoother, film(times, noisy))
    lags = np.arange(-1, 3, 0.02)  # frames; with the lag, the delayed truth is most similar
    delayed = [walking(speed * (times - lag / rate)) for lag in lags]
    apart = [np.square(found - late)[rate:].sum() for late in delayed]
    errors = [np.linalg.norm(points - truth, axis=-1).mean() for points in (noisy, found)]
    return *errors, lags[np.argmin(apart)]


@pytest.mark.parametrize(('name', 'part', 'frames'), [('one-euro', 0.8, 0.5), ('savgol', 0.5, 0.1)])
def test_smoothing_lowers_the_error_at_5_pixels_of_jitter(name, part, frames):
    raw, error, lag = measure(SMOOTHERS[name](), jitter=5)
    assert 6 < raw < 6.5  # the mean length of the jitter is 5 sqrt(pi / 2)
    assert error < part * raw
    assert abs(lag) < frames


def main():
    print(
        'smoother  px of jitter  frames/s  error walking (px)    lag (frames)  error at rest (px)'
    )
    for jitter in (5, 2):
        for name, kind in SMOOTHERS.items():
            for rate in (10, 30, 60):
                raw, error, lag = measure(kind(), jitter, rate)
                _, rest, _ = measure(kind(), jitter, rate, speed=0)
                change = f'{raw:.2f} -> {error:.2f} ({error / raw - 1:+.0%})'
                at_rest = f'{rest:.2f} ({rest / raw - 1:+.0%})'
                print(f'{name:8}  {jitter:12}  {rate:8}  {change:20}  {lag:12.2f}  {at_rest}')


if __name__ == '__main__':
    main()
