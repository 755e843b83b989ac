"""Whether the files beside an annotation file belong to it: detections, heads, cameras."""

import json
import os.path as osp
from collections.abc import Iterable, Iterator
from functools import singledispatch

import numpy as np
from mmpose.datasets.datasets import BaseCocoStyleDataset, MpiiDataset
from scipy.io import loadmat

from vitpose_plus.datasets.interhand import InterHand2DDataset
from vitpose_plus.datasets.records import Picture

DETECTION = ('image_id', 'category_id', 'bbox', 'score')
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


@singledispatch
def companion_problems(
    dataset: BaseCocoStyleDataset, content: dict | list, named: dict[int | str, Picture]
) -> Iterable[str]:
    """A sentence for each misfit; a file that is missing is no misfit.

    Args:
        dataset: Says which the files are.
        content: Of its annotation file.
        named: The pictures that the annotation file names, by their key.
    """
    if dataset.bbox_file and osp.isfile(dataset.bbox_file):
        yield from _detections(dataset.bbox_file, named)


def _detections(path: str, named: dict[int | str, Picture]) -> Iterator[str]:
    try:
        detections = _json(path)
        lacking = [k for k in DETECTION if not all(k in one for one in detections)]
        if lacking or not detections:
            yield (
                f'{path}: not every detection has {", ".join(lacking or DETECTION)}: download it '
                'again.'
            )
            return
        strange = {one['image_id'] for one in detections} - set(named)
    except UNREADABLE as error:
        yield f'{path} cannot be read as detections ({type(error).__name__}): download it again.'
        return
    if strange:
        yield (
            f'{path} has boxes in {len(strange)} images that the annotation file does not name, '
            f'like {min(strange, key=str)}: take the detections of this split.'
        )


@companion_problems.register
def _(dataset: MpiiDataset, content: list, named: dict) -> Iterable[str]:
    path = dataset.headbox_file
    if not path or not osp.isfile(path):
        return
    try:
        file = loadmat(path)
        lengths = {
            'headboxes_src': file['headboxes_src'].shape[-1],
            'jnt_missing': file['jnt_missing'].shape[-1],
            'pos_gt_src': file['pos_gt_src'].shape[-1],
        }
    except Exception as error:  # whatever a stranger's file makes scipy raise
        yield (
            f'{path} cannot be read as the true joints of MPII ({type(error).__name__}: {error}): '
            'download it again.'
        )
        return
    for name, length in lengths.items():
        if length != len(content):
            yield (
                f'{path}: {name} is of {length} people, {dataset.ann_file} of {len(content)}: take '
                'both files from one source.'
            )


@companion_problems.register
def _(dataset: InterHand2DDataset, content: dict, named: dict) -> Iterable[str]:
    if not (osp.isfile(dataset.camera_param_file) and osp.isfile(dataset.joint_file)):
        return
    files = (dataset.camera_param_file, dataset.joint_file)
    needs = {path: set() for path in files}
    for image in content['images']:
        needs[files[0]].add((str(image['capture']), str(image['camera'])))
        needs[files[1]].add((str(image['capture']), str(image['frame_idx'])))
    for path, look in zip(files, (_camera, _frame), strict=True):
        try:
            held = _json(path)
            lacking = sorted(need for need in needs[path] if not look(held, *need))
        except UNREADABLE as error:
            yield f'{path} cannot be read ({type(error).__name__}: {error}): download it again.'
            continue
        if lacking:
            yield (
                f'{path} lacks {" / ".join(lacking[0])} (and {len(lacking) - 1} more) that '
                f'{dataset.ann_file} names: take the files of one split.'
            )


def _camera(held: dict, capture: str, camera: str) -> bool:
    fields = held.get(capture, {})
    return all(camera in fields.get(name, {}) for name in ('campos', 'camrot', 'focal', 'princpt'))


def _frame(held: dict, capture: str, frame: str) -> bool:
    joints = held.get(capture, {}).get(frame, {}).get('world_coord', [])
    return np.shape(joints) == (42, 3)


def _json(path: str) -> dict | list:
    with open(path, encoding='utf-8') as file:
        return json.load(file)
