"""APT-36K: converts its single raw file to COCO style and splits it by video."""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

from vitpose_plus.datasets.preparation import sources
from vitpose_plus.errors import UserError
from vitpose_plus.files import refuse_existing

FILES = dict(
    train='annotations/train_annotations_1.json',
    val='annotations/val_annotations_1.json',
    test='annotations/test_annotations_1.json',
)
FIELDS = dict(images=('id', 'file_name', 'video_id'), annotations=('id', 'image_id'))


def prepare(source: Path, root: Path, force: bool, progress: Callable) -> dict[Path, dict]:
    """Returns the contents of the train, validation and test file of our split.

    The authors' split was not released.

    Args:
        source: ``apt36k_annotations.json``.
        root: The dataset's folder, with pictures ``SPECIES/CLIP/FRAME``.
        force: Whether existing files may be replaced.
        progress: Wraps the images, as ``progress(images, description=...)``.
    """
    for name in FILES.values():
        refuse_existing(root / name, force)
    raw = sources.read(source)
    _check(source, raw)
    places = {i['id']: PureWindowsPath(i['file_name']).parts[-3:] for i in raw['images']}
    folders = Folders(root, [place[:2] for place in places.values()])
    parts = _split([(places[i['id']][0], i['video_id']) for i in raw['images']])
    contents = {name: dict(raw, images=[], annotations=[]) for name in FILES}
    part_of = {}
    for image in progress(raw['images'], description='APT-36K'):
        species, clip, frame = places[image['id']]
        name = Path(species, folders.find(species, clip, frame), frame).as_posix()
        size = {} if {'width', 'height'} <= set(image) else sources.size_of(root / name)
        part_of[image['id']] = parts[image['video_id']]
        contents[parts[image['video_id']]]['images'].append(dict(image, file_name=name, **size))
    for annotation in raw['annotations']:
        renamed = {'iscrowd' if k == 'is_crowd' else k: v for k, v in annotation.items()}
        contents[part_of[annotation['image_id']]]['annotations'].append(renamed)
    return {root / FILES[name]: content for name, content in contents.items()}


def _check(source: Path, raw: dict | list) -> None:
    """Raises a ``UserError`` if ``raw`` is not the content of the official file."""
    for table, fields in FIELDS.items():
        rows = raw.get(table) if isinstance(raw, dict) else None
        if not isinstance(rows, list) or not rows:
            raise UserError(f'{source} contains no {table}: give the raw apt36k_annotations.json.')
        for number, row in enumerate(rows):
            if missing := [field for field in fields if field not in row]:
                raise UserError(
                    f'{source}: {table}[{number}] has no {", ".join(missing)}: give the raw '
                    'apt36k_annotations.json.'
                )
    known = {image['id'] for image in raw['images']}
    for row in raw['annotations']:
        if row['image_id'] not in known:
            raise UserError(
                f'{source}: the annotation {row["id"]} has the image_id {row["image_id"]}, which '
                'is not in the file: download it again.'
            )
    for row in raw['images']:
        if len(PureWindowsPath(row['file_name']).parts) < 3:
            raise UserError(
                f'{source}: the file_name {row["file_name"]!r} does not end in species, clip and '
                'frame: give the raw apt36k_annotations.json.'
            )


def _split(images: list[tuple[str, int]]) -> dict[int, str]:
    """Video -> part: 7:1:2 of the images of every species, in the order of the file.

    A video on the border of two parts is completely in the earlier part. This is PoseBH's rule: its
    split is the only one with a published size.

    Args:
        images: The species and the video of every image.
    """
    videos = defaultdict(list)
    for species, video in images:
        videos[species].append(video)
    parts = {}
    for part, start, end in (('train', 0.0, 0.7), ('val', 0.7, 0.8), ('test', 0.8, 1.0)):
        for own in videos.values():
            first, last = (int((len(own) + 1) * share) for share in (start, end))
            for video in own[first : None if part == 'test' else last]:
                parts.setdefault(video, part)
    return parts


class Folders:
    """Finds the folders of clips on this disk; unzip may change non-ASCII names of folders.

    Args:
        root: The dataset's folder, with one folder per species.
        clips: Species and clip of every image, by their names in the file.
    """

    def __init__(self, root: Path, clips: list[tuple[str, str]]) -> None:
        self.root = root
        self.named = set(clips)
        self.found: dict[tuple[str, str], str] = {}

    def find(self, species: str, clip: str, frame: str) -> str:
        """The name on this disk of a clip's folder; the folder must contain ``frame``."""
        if (species, clip) not in self.found:
            there = (self.root / species / clip).is_dir()
            self.found[species, clip] = clip if there else self._find_renamed(species, clip)
        name = self.found[species, clip]
        if not (self.root / species / name / frame).is_file():
            raise self._missing(species, name, frame)
        return name

    def _find_renamed(self, species: str, clip: str) -> str:
        """The single folder whose name starts like ``clip``, up to its first non-ASCII character.

        Folders whose names are in the file do not count.
        """
        start = clip[: next((i for i, c in enumerate(clip) if not c.isascii()), len(clip))]
        same_start = re.compile(re.escape(start) + r'(?![0-9A-Za-z])')  # not clip460 for clip46
        candidates = [
            path.name
            for path in sorted((self.root / species).glob('*/'))
            if (species, path.name) not in self.named and same_start.match(path.name)
        ]
        if clip.isascii() or not candidates:
            raise self._missing(species, clip)
        if len(candidates) > 1:
            raise UserError(
                f'The clip {species}/{clip} could be any of the folders {", ".join(candidates)} of '
                f'{self.root / species}: rename the right one to {clip}.'
            )
        return candidates[0]

    def _missing(self, *parts: str) -> UserError:
        return UserError(
            f'{self.root.joinpath(*parts)} is missing: unpack the official pictures as '
            f'{self.root}/SPECIES/CLIP/FRAME.'
        )
