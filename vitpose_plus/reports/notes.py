"""Sentences of a report about what its numbers show."""

from collections.abc import Iterator
from typing import Any

RATIO, LEAST_PX = 2.0, 1.0  # held out is much worse than train: this multiple, and these pixels
FEW = 20  # labels of a keypoint in the training set
FEW_HELD_OUT = 5


def notes_of(numbers: dict[str, Any]) -> list[str]:
    """Returns the sentences; none if nothing stands out."""
    return [*_overfitting(numbers), *_few_labels(numbers)]


def _overfitting(numbers: dict[str, Any]) -> Iterator[str]:
    held_out, train = (numbers['splits'][name]['overall'] for name in ('held_out', 'train'))
    if None in (held_out['mean_px'], train['mean_px']):
        return
    if held_out['mean_px'] > max(RATIO * train['mean_px'], train['mean_px'] + LEAST_PX):
        yield (
            f'The mean error is {held_out["mean_px"]:.1f} px on held-out pictures, but only '
            f'{train["mean_px"]:.1f} px on the training pictures: the model has overfitted, and '
            'more labelled pictures, which differ from the present ones, will help most.'
        )


def _few_labels(numbers: dict[str, Any]) -> Iterator[str]:
    labels = numbers['training']['labels']
    few = [f'{name} ({number})' for name, number in labels.items() if number < FEW]
    if few:
        yield (
            f'Keypoints with fewer than {FEW} labels in the training set: {", ".join(few)}. '
            'Label more of them.'
        )
    per_keypoint = numbers['splits']['held_out']['per_keypoint']
    unsure = [name for name, summary in per_keypoint.items() if summary['labels'] < FEW_HELD_OUT]
    if unsure:
        yield (
            f'Keypoints with fewer than {FEW_HELD_OUT} held-out labels: {", ".join(unsure)}. Their '
            'errors are uncertain.'
        )
