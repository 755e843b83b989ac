"""AI Challenger: converts its list of images with named people to COCO style."""

from collections.abc import Callable, Iterable
from pathlib import Path

from mmpose.datasets.datasets import AicDataset

from vitpose_plus.datasets.preparation import sources
from vitpose_plus.errors import UserError
from vitpose_plus.files import refuse_existing

# Start of the official file's name -> split, and folder of its pictures in configs/datasets/aic.
SPLITS = dict(
    keypoint_train=(
        'train',
        'ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902',
    ),
    keypoint_validation=(
        'val',
        'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911',
    ),
)
VISIBILITY = {1: 2, 2: 1, 3: 0}  # AIC's -> COCO's: visible, labelled but hidden, not labelled


def prepare(source: Path, root: Path, force: bool, progress: Callable) -> dict[Path, dict]:
    """Returns the contents of ``annotations/aic_train.json`` and ``aic_val.json``.

    If ``source`` has only one of the two splits, only this file is returned.

    Args:
        source: ``keypoint_*_annotations_*.json``, or a folder with one or both, at any depth.
        root: The dataset's folder, with the unpacked pictures in their official folders.
        force: Whether existing files may be replaced.
        progress: Wraps the images of a file, as ``progress(images, description=...)``.
    """
    pattern = 'keypoint_*_annotations_*.json'
    files = sorted(source.rglob(pattern)) if source.is_dir() else [source]
    if not files:
        raise UserError(f'{source} contains no {pattern}: give the folder of the official files.')
    places = {}
    for file in files:
        split, folder = _split(file)
        path = root / 'annotations' / f'aic_{split}.json'
        if path in places:
            raise UserError(f'{source} contains two files of {split}: give one of the files.')
        refuse_existing(path, force)
        places[path] = file, root / folder
    return {
        path: _convert(file, progress(_entries(file), description=path.name), folder)
        for path, (file, folder) in places.items()
    }


def _split(file: Path) -> tuple[str, str]:
    for word, split_and_folder in SPLITS.items():
        if file.name.startswith(word):
            return split_and_folder
    raise UserError(
        f'The name of {file} must start with keypoint_train or keypoint_validation: give it '
        'its official name, keypoint_train_annotations_20170909.json or '
        'keypoint_validation_annotations_20170911.json.'
    )


def _entries(file: Path) -> list[dict]:
    entries = sources.read(file)
    if not isinstance(entries, list):
        raise UserError(f'{file} is not a list of images: give the official annotation file.')
    return entries


def _convert(file: Path, entries: Iterable[dict], folder: Path) -> dict:
    names = list(AicDataset._load_metainfo()['keypoint_id2name'].values())
    images, annotations = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            name = f'{entry["image_id"]}.jpg'
            people = sorted(entry['human_annotations'].items(), key=_number)
            given = [(box, entry['keypoint_annotations'][person]) for person, box in people]
            found = [_person(box, keypoints, len(names)) for box, keypoints in given]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f'{file}: entry {number} differs from the official file '
                f'({type(error).__name__}: {error}): download or unpack it again.'
            ) from error
        images.append(dict(id=number, file_name=name, **sources.size_of(folder / name)))
        for person in found:
            annotations.append(dict(id=len(annotations) + 1, image_id=number, **person))
    category = dict(id=1, name='person', supercategory='person', keypoints=names, skeleton=[])
    return dict(images=images, annotations=annotations, categories=[category])


def _number(item: tuple[str, list]) -> int:
    """The number 2 of ``human2``: people are sorted by number, not by name."""
    return int(item[0].removeprefix('human'))


def _person(box: list, keypoints: list, num_keypoints: int) -> dict:
    """COCO's annotation for a box x1, y1, x2, y2 and keypoints x, y, v."""
    x1, y1, x2, y2 = box
    if len(keypoints) != 3 * num_keypoints:
        raise ValueError(f'{len(keypoints)} numbers for {num_keypoints} keypoints')
    flat, labelled = [], 0
    for x, y, v in zip(*(keypoints[i::3] for i in range(3)), strict=True):
        visibility = VISIBILITY[v]
        flat += [x, y, visibility] if visibility else [0, 0, 0]
        labelled += visibility > 0
    return dict(
        category_id=1,
        bbox=[x1, y1, x2 - x1, y2 - y1],
        area=(x2 - x1) * (y2 - y1),
        iscrowd=0,
        keypoints=flat,
        num_keypoints=labelled,
    )
