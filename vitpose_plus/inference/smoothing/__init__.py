"""Smooths the keypoints of tracks: one module for each smoother."""

from vitpose_plus.inference.smoothing.one_euro import OneEuro
from vitpose_plus.inference.smoothing.savitzky_golay import SavitzkyGolay
from vitpose_plus.inference.smoothing.smoother import Smoother

SMOOTHERS: dict[str, type[Smoother]] = {'one-euro': OneEuro, 'savgol': SavitzkyGolay}
