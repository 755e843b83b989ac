"""What every kind of annotation file holds, in one form, for whoever checks it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from mmpose.datasets.datasets import BaseCocoStyleDataset, CocoWholeBodyDataset, MpiiDataset

from vitpose_plus.datasets.interhand import HANDS, InterHand2DDataset

PARTS = ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts')


@dataclass
class Picture:
    """An image: its path within the folder of images, and (width, height) in pixels if known."""

    file_name: str
    size: tuple[int, int] | None


@dataclass
class Record:
    """An annotated instance.

    Args:
        title: What to call it in a message.
        image: The key of its picture.
        box: x, y, width, height in pixels; None where the class makes the box itself.
        num_keypoints: How many the file gives it; a fraction if numbers are missing.
    """

    title: str
    image: int | str
    box: list[float] | None
    num_keypoints: float


@singledispatch
def pictures(dataset: BaseCocoStyleDataset, content: dict) -> dict[int | str, Picture]:
    """The pictures that the content of an annotation file names, by their key in the file."""
    return {
        image['id']: Picture(image['file_name'], (image['width'], image['height']))
        for image in content['images']
    }


@pictures.register
def _(dataset: MpiiDataset, content: list) -> dict[int | str, Picture]:
    return {person['image']: Picture(person['image'], None) for person in content}


@singledispatch
def records(dataset: BaseCocoStyleDataset, content: dict) -> Iterator[Record]:
    """The instances that the class would read out of the content of an annotation file."""
    for annotation in content['annotations']:
        if 'bbox' in annotation and 'keypoints' in annotation:
            yield _record(annotation, len(annotation['keypoints']) / 3)


@records.register
def _(dataset: CocoWholeBodyDataset, content: dict) -> Iterator[Record]:
    for annotation in content['annotations']:
        if 'bbox' in annotation and 'keypoints' in annotation:
            yield _record(annotation, sum(len(annotation[part]) for part in PARTS) / 3)


@records.register
def _(dataset: InterHand2DDataset, content: dict) -> Iterator[Record]:
    for annotation in content['annotations']:
        record = _record(annotation, len(annotation['joint_valid']) / HANDS)
        record.box = None
        yield record


@records.register
def _(dataset: MpiiDataset, content: list) -> Iterator[Record]:
    for number, person in enumerate(content):
        length = 200 * person['scale']
        x, y = (centre - length / 2 for centre in person['center'])
        title = f'entry {number}'
        yield Record(title, person['image'], [x, y, length, length], len(person['joints']))


def _record(annotation: dict, num_keypoints: float) -> Record:
    title = f'annotation {annotation["id"]}'
    return Record(title, annotation['image_id'], annotation.get('bbox'), num_keypoints)
