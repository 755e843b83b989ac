"""The folder of suggested pictures, with their predictions as labels."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2

from vitpose_plus.datasets.labels.model import Labels
from vitpose_plus.datasets.labels.writers import LabelWriter
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.places import check_folder
from vitpose_plus.files import replacing_folder
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.paths import FilePicture
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.suggesting.predicted_labels import labelled, place_of
from vitpose_plus.inference.suggesting.suggester import Frame, pictures_of
from vitpose_plus.visualization.labels import draw_labels

IMAGES, SHEET = 'images', 'suggestions.png'


def check_place(path: Path, force: bool) -> None:
    """Raises a ``UserError`` if the folder of suggestions cannot be written.

    Args:
        path: The folder.
        force: Whether a folder of earlier suggestions is replaced, with all its files.
    """
    check_folder(path)
    if not os.path.lexists(path) or not any(path.iterdir()):
        return
    if not (path / SHEET).is_file():
        raise UserError(f'{path} has files that suggest did not write: give another --out.')
    if not force:
        raise UserError(
            f'{path} exists, perhaps with corrected labels: give another --out, or replace all of '
            'it with --force.'
        )


def write_suggestions(
    path: Path, frames: Sequence[Frame], sources: Sources, writer: LabelWriter
) -> list[str]:
    """Writes a folder with the pictures, their predictions as labels, and a sheet of them.

    Args:
        path: The folder, which is replaced.
        frames: The chosen frames, at least one, of one dataset.
        sources: The sources of the frames.
        writer: Writes the labels.

    Returns:
        The paths of the pictures below the folder, in the order of the frames.
    """
    [skeleton] = frames[0].result.skeletons.values()
    by_key = {frame.key: frame.result for frame in frames}
    with replacing_folder(path) as folder:
        files, taken = {}, set()
        for key, picture in pictures_of(sources, by_key):
            files[key] = save(picture, free(folder / IMAGES / place_of(by_key[key]), taken))
        pictures = [labelled(result, files[key]) for key, result in by_key.items()]
        labels = Labels(skeleton.names, skeleton.links, pictures)
        writer.write(labels, folder, skeleton.dataset)
        draw_labels(pictures, labels.names, labels.links, folder / SHEET)
        return [each.path.relative_to(folder).as_posix() for each in pictures]


def free(path: Path, taken: set[Path]) -> Path:
    """A path whose name, without its ending, is not taken; takes it.

    labelme and CVAT do not distinguish pictures by their endings.
    """
    stem, number = path.stem, 1
    while path.with_suffix('') in taken:
        number += 1
        path = path.with_name(f'{stem}-{number}{path.suffix}')
    taken.add(path.with_suffix(''))
    return path


def save(picture: Picture, path: Path) -> Path:
    """Copies the file of a picture, or writes a png; returns the path that was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, FilePicture) and picture.path.endswith(path.suffix):
        shutil.copyfile(picture.path, path)
        return path
    if path.suffix != '.png':
        path = path.with_name(f'{path.name}.png')
    _, content = cv2.imencode('.png', picture.read())
    path.write_bytes(content)
    return path
