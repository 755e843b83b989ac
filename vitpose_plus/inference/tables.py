"""Predictions as tables of pandas and as keypoints of supervision.

Shapes: N instances, K keypoints.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import needing

if TYPE_CHECKING:
    import pandas
    import supervision

COLUMNS = ('source', 'frame', 'time', 'instance', 'id', 'dataset', 'box_score')
COLUMNS += ('x1', 'y1', 'x2', 'y2', 'keypoint', 'x', 'y', 'score')
COLUMNS += ('smoothed_x', 'smoothed_y', 'filled', 'flip_distance', 'spread', 'jump')
TYPES = dict.fromkeys(COLUMNS, 'float64') | dict.fromkeys(('source', 'dataset', 'keypoint'), 'str')
TYPES |= dict(frame='Int64', id='Int64')  # they are missing for pictures
TYPES |= dict(instance='int64', filled='bool', jump='bool')


class ResultLike(Protocol):
    """The used part of ``Result``. The module of ``Result`` imports this module."""

    instances: Sequence[Any]
    skeletons: Mapping[str, Skeleton]

    def to_dict(self) -> dict[str, Any]: ...


def rows(lines: Iterable[Mapping[str, Any]], skeletons: Mapping[str, Skeleton]) -> Iterator[tuple]:
    """Makes a row of ``COLUMNS`` for every keypoint of the lines of ``predictions.ndjson``.

    A picture without instances has no row. ``instance`` is the instance's number in its picture,
    from 0. Values that an instance does not have are None; ``filled`` and ``jump`` are False.
    """
    for line in lines:
        for number, instance in enumerate(line['instances']):
            dataset = instance['dataset']
            own = (line['source'], line['frame'], line['time'], number, instance['id'], dataset)
            own += (instance['box_score'], *instance['box'])
            for name, values in zip(skeletons[dataset].names, _values(instance), strict=True):
                yield (*own, name, *values)


def _values(instance: Mapping[str, Any]) -> Iterator[tuple]:
    """The columns of an instance from ``x`` on, for each keypoint."""
    filled, quality = instance.get('filled', False), instance.get('quality', {})
    absent = (None,) * len(instance['keypoints'])
    smoothed = instance.get('smoothed', ((None, None),) * len(absent))
    qualities = (quality.get(name, absent) for name in ('flip_distance', 'spread'))
    jumps = [number in instance.get('jumps', ()) for number in range(len(absent))]
    columns = zip(instance['keypoints'], smoothed, *qualities, jumps, strict=True)
    for raw, smooth, *others in columns:
        yield (*raw, *smooth, filled, *others)


def to_df(
    results: Iterable[ResultLike | Mapping[str, Any]], skeletons: Mapping[str, Skeleton]
) -> 'pandas.DataFrame':
    """Returns a table with a row for every keypoint and the columns of ``predictions.csv``.

    Args:
        results: Results, or lines of ``predictions.ndjson``.
        skeletons: Dataset name -> its keypoints.

    Raises:
        UserError: pandas is missing.
    """
    with needing('pandas', 'tables', 'This table'):
        import pandas
    lines = (one if isinstance(one, Mapping) else one.to_dict() for one in results)
    table = pandas.DataFrame(rows(lines, skeletons), columns=COLUMNS)
    return table.astype(TYPES)  # the same types for a table without rows


def to_supervision(result: ResultLike) -> 'supervision.KeyPoints':
    """Returns the instances of a result for the annotators of supervision.

    A class id is the position of the instance's dataset among the requested datasets. If the
    datasets have different numbers of keypoints, the shorter ones are padded with points at 0 with
    confidence 0, which supervision does not draw.

    Raises:
        UserError: supervision is missing.
    """
    with needing('supervision', 'tables', 'This table'):
        import supervision
    instances, datasets = result.instances, list(result.skeletons)
    longest = max((len(skeleton.names) for skeleton in result.skeletons.values()), default=0)
    xy = np.zeros((len(instances), longest, 2), np.float32)
    confidence = np.zeros((len(instances), longest), np.float32)
    for row, instance in enumerate(instances):
        xy[row, : len(instance.scores)] = instance.keypoints
        confidence[row, : len(instance.scores)] = instance.scores
    return supervision.KeyPoints(
        xy=xy,
        class_id=np.array([datasets.index(one.dataset) for one in instances], int),
        keypoint_confidence=confidence,
        detection_confidence=np.array([one.box_score for one in instances], np.float32),
        data={'class_name': np.array([one.dataset for one in instances], str)},
    )
