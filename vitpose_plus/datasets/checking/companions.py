"""Checks that the files beside an annotation file fit it: detections, heads, cameras."""

import json
import os.path as osp
from functools import singledispatch

import numpy as np
from mmpose.datasets.datasets import BaseCocoStyleDataset, MpiiDataset
from scipy.io import loadmat

from vitpose_plus.datasets.checking.annotation_file import AnnotationFile, is_id
from vitpose_plus.datasets.checking.boxes import check_detections
from vitpose_plus.datasets.checking.findings import Findings, by
from vitpose_plus.datasets.interhand import InterHand2DDataset
from vitpose_plus.errors import reason

HEADS = 'headboxes_src'  # the only array of MPII's file that mmpose reads
# The arrays of that file, and their shapes without the last axis, which is for people.
TRUE_JOINTS = {HEADS: (2, 2), 'jnt_missing': (16,), 'pos_gt_src': (16, 2)}
PERSON = 1  # mmpose uses only the detections of this category, and evaluates them in it
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
ONE_SOURCE = 'take both files from the same source'


@singledispatch
def check_companions(
    dataset: BaseCocoStyleDataset,
    content: dict | list,
    file: AnnotationFile,
    found: Findings,
) -> None:
    """Adds to the findings what does not fit the annotation file; missing files are ignored.

    Args:
        dataset: The dataset with the paths of the files.
        content: The content of its annotation file.
        file: The checked annotation file.
        found: Collects what is wrong.
    """
    path = dataset.bbox_file
    if not path or not osp.isfile(path):
        return
    try:
        detections = _json(path)
    except UNREADABLE as error:
        found.add(path, f'cannot be read as detections ({type(error).__name__})')
        return
    fine = check_detections(detections, path, file.pictures, found)
    file.used.update(one['image_id'] for one in fine)
    _check_categories(dataset, content, fine, found)


def _check_categories(
    dataset: BaseCocoStyleDataset, content: dict, detections: list[dict], found: Findings
) -> None:
    """Checks that boxes and annotations have the same category, that of people."""
    annotations = content.get('annotations') if isinstance(content, dict) else None
    if not isinstance(annotations, list) or not detections:
        return
    given = sorted({one['category_id'] for one in detections})
    annotated = sorted(
        {
            one['category_id']
            for one in annotations
            if isinstance(one, dict) and 'keypoints' in one and is_id(one.get('category_id'))
        }
    )
    if annotated and annotated != [PERSON]:
        found.add(
            dataset.bbox_file,
            f'has boxes of category {_listed(given)}, but the annotations in {dataset.ann_file} '
            f'are of category {_listed(annotated)}',
            hint=f'mmpose scores boxes of a file as category {PERSON}: give that number to both',
        )
    elif PERSON not in given or min(given) < PERSON:
        others = sum(one['category_id'] != PERSON for one in detections)
        found.add(
            dataset.bbox_file,
            f'has {others} boxes of {len(detections)} in category '
            f'{_listed([number for number in given if number != PERSON])}, which are left out: '
            f'the annotations in {dataset.ann_file} are of category {PERSON}',
            hint=f'give category {PERSON} to the boxes of people',
        )
    elif given != [PERSON]:
        others = sum(one['category_id'] != PERSON for one in detections)
        found.add(
            dataset.bbox_file,
            f'has {others} boxes of {len(detections)} in other categories than {PERSON} (people), '
            'which are left out',
            hint='nothing has to be done if these boxes are not of people',
            is_wrong=False,
        )


def _listed(numbers: list[int]) -> str:
    more = ', ...' if len(numbers) > 5 else ''
    return f'{", ".join(map(str, numbers[:5]))}{more}'


@check_companions.register
def _(dataset: MpiiDataset, content: list, file: AnnotationFile, found: Findings) -> None:
    path = dataset.headbox_file
    if not path or not osp.isfile(path):
        return
    try:
        stored = loadmat(path)
        names = [name for name in TRUE_JOINTS if name == HEADS or name in stored]
        arrays = {name: np.asarray(stored[name], np.float64) for name in names}
    except Exception as error:  # a damaged file can cause any error in scipy
        what = f'cannot be read as the true joints of MPII ({reason(error)})'
        found.add(path, what, hint='download it again')
        return
    for name, array in arrays.items():
        if array.shape[:-1] != TRUE_JOINTS[name]:
            given, expected = (by(shape) for shape in (array.shape[:-1], TRUE_JOINTS[name]))
            found.add(path, f'has {name} of {given} values per person, not {expected}')
        elif array.shape[-1] != len(content):
            what = f'has {name} of {array.shape[-1]} people, {dataset.ann_file} has {len(content)}'
            found.add(path, what, hint=ONE_SOURCE)
    if not np.isfinite(arrays[HEADS]).all():
        found.add(path, f'has {HEADS} that are not finite')


@check_companions.register
def _(dataset: InterHand2DDataset, content: dict, file: AnnotationFile, found: Findings) -> None:
    files = (dataset.camera_param_file, dataset.joint_file)
    if found.problems or not all(map(osp.isfile, files)):
        return
    needs = {path: set() for path in files}
    for image in content['images']:
        needs[files[0]].add((str(image['capture']), str(image['camera'])))
        needs[files[1]].add((str(image['capture']), str(image['frame_idx'])))
    for path, is_there in zip(files, (_camera, _frame), strict=True):
        try:
            stored = _json(path)
            missing = sorted(need for need in needs[path] if not is_there(stored, *need))
        except UNREADABLE as error:
            what = f'cannot be read ({reason(error)})'
            found.add(path, what, hint='download it again')
            continue
        for need in missing:
            what = f'is missing, but {dataset.ann_file} names it'
            found.add(path, what, ' / '.join(need), 'take the files of the same split')


def _camera(stored: dict, capture: str, camera: str) -> bool:
    fields = stored.get(capture, {})
    shapes = dict(campos=(3,), camrot=(3, 3), focal=(2,), princpt=(2,))
    return all(_is_array(fields.get(name, {}).get(camera), shape) for name, shape in shapes.items())


def _frame(stored: dict, capture: str, frame: str) -> bool:
    return _is_array(stored.get(capture, {}).get(frame, {}).get('world_coord'), (42, 3))


def _is_array(values: object, shape: tuple[int, ...]) -> bool:
    """Whether the values are finite numbers of that shape."""
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return array.shape == shape and bool(np.isfinite(array).all())


def _json(path: str) -> dict | list:
    with open(path, encoding='utf-8') as file:
        return json.load(file)
