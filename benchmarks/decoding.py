"""Measures the tables of docs/decoding.md: ``OMP_NUM_THREADS=1 python benchmarks/decoding.py``."""

import time
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from mmpose.registry import KEYPOINT_CODECS

import vitpose_plus  # noqa: F401  registers the codecs

WH = np.array([48, 64])
REPEATS = 15
CODECS = {
    kind: KEYPOINT_CODECS.build(
        dict(type=kind, input_size=tuple(4 * WH), heatmap_size=tuple(WH), sigma=2.0)
    )
    for kind in (
        *('UDPHeatmap', 'BatchedUDPHeatmap', 'BorderExactUDPHeatmap'),
        *('MSRAHeatmap', 'BatchedMSRAHeatmap'),
    )
}
OF_MMPOSE = dict(  # our codec -> mmpose's
    BatchedUDPHeatmap='UDPHeatmap',
    BorderExactUDPHeatmap='UDPHeatmap',
    BatchedMSRAHeatmap='MSRAHeatmap',
)


def gaussians(points: np.ndarray) -> np.ndarray:
    """(N, 2) in heatmap pixels -> heatmaps (N, 64, 48)."""
    y, x = np.mgrid[: WH[1], : WH[0]]
    squares = (x - points[:, :1, None]) ** 2 + (y - points[:, 1:, None]) ** 2
    return np.exp(-squares / 8).astype(np.float32)


def borders(points: np.ndarray) -> None:
    """Prints, for each distance from the border, how much our results and mmpose's differ.

    The errors are distances from the true points.
    """
    near = np.rint(points)
    distance = np.minimum(near, WH - 1 - near).min(1)
    found = {}
    # In parts: mmpose's indices are float32, which is not exact for large numbers.
    for kind, codec in CODECS.items():
        parts = [codec.decode(part)[0][0] for part in np.array_split(gaussians(points), 100)]
        found[kind] = np.concatenate(parts) / 4 * ((WH - 1) / WH if 'UDP' in kind else 1)
    for kind, base in OF_MMPOSE.items():
        ours, mmposes = found[kind], found[base]
        rows = np.abs([ours - mmposes, ours - points, mmposes - points]).max(-1)
        for pixels in range(7):
            apart, own, other = rows[:, distance == pixels if pixels < 6 else distance >= 6]
            print(
                f'{kind} {pixels}: largest {apart.max():.2g} median {np.median(apart):.2g} '
                f'error {np.median(own):.3f} largest {own.max():.2g} '
                f'mmpose {np.median(other):.3f} largest {other.max():.2g}'
            )


def speed(count: int, batch: int = 64) -> None:
    """Prints the milliseconds of CPU time for a batch, and mmpose's time divided by ours.

    The codecs alternate, and each is called as mmpose's heads call it. ``read`` is the time for
    the maximum of each heatmap without its place: every codec must read all pixels.
    """
    points = np.random.default_rng(0).uniform(0, WH - 1, (batch * count, 2))
    heatmaps = torch.from_numpy(gaussians(points)).unflatten(0, (batch, count))
    ways = {kind: partial(decode, codec, heatmaps) for kind, codec in CODECS.items()}
    ways['read'] = partial(heatmaps.flatten(-2).amax, -1)
    times = {name: [] for name in ways}
    for _ in range(REPEATS + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    medians = {name: np.median(each[1:]) for name, each in times.items()}
    for name, median in medians.items():
        theirs = medians.get(OF_MMPOSE.get(name))
        ratio = f', {theirs / median:.1f} times as fast as mmpose' if theirs else ''
        print(f'{count} keypoints {name}: {1e3 * median:.1f} ms{ratio}')


def decode(codec: Any, heatmaps: torch.Tensor) -> None:
    """Decodes heatmaps (B, K, h, w) at once, or one crop after the other if it must be so."""
    if codec.support_batch_decoding:
        codec.batch_decode(heatmaps)
    else:
        for maps in heatmaps.numpy():
            codec.decode(maps)


if __name__ == '__main__':
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    borders(np.random.default_rng(0).uniform(0, WH - 1, (6000, 2)))
    speed(17)
    speed(133)
