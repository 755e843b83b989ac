"""What ``new-dataset`` prints."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vitpose_plus.experiments.new_dataset.folder import NewDataset
    from vitpose_plus.experiments.new_dataset.sizing import Sized


def summary(
    new: 'NewDataset',
    arguments: 'dict[str, Sized]',
    about_labels: 'Iterable[str]',
    out: Path,
    notes: 'Iterable[str]' = (),
) -> 'Iterator[str]':
    """Yields lines about what was read, guessed and written."""
    from vitpose_plus.experiments.new_dataset.texts import FOLDER

    labels, keypoints = new.labels, new.keypoints
    instances = [one for picture in labels.pictures for one in picture.instances]
    without_box = sum(one.box is None for one in instances)
    yield f'{len(labels.pictures)} pictures, {len(instances)} instances:'
    yield from about_labels
    width = max(len(name) for name in labels.names)
    for name, count in labels.counts.items():
        partner = keypoints.swap.get(name, '')
        yield f'  {name:{width}}  labelled in {count}{f"  <-> {partner}" if partner else ""}'
    if keypoints.swap_comment:
        yield 'Partners (<->) were guessed from the names: they change places in mirrored pictures.'
    if not new.flips:
        yield 'Pictures are not mirrored, in training and in tests.'
    if not keypoints.links:
        yield 'There are no links: give --links ONE=OTHER ... to draw lines between keypoints.'
    yield f'The sigmas are {keypoints.sigma} (guessed): they only change AP.'
    yield f'{new.look.comment}.'
    if 0 < without_box < len(instances):
        yield f'{without_box} instances have no box in the labels.'
    yield f'Training: {len(new.training)} pictures. Held out: {len(new.held_out)} pictures.'
    for key, each in arguments.items():
        value = str(each.value).replace(FOLDER, str(out))
        yield f'  {key} = {value} ({each.reason})'
    yield from notes
    command = shlex.join(['vitpose', 'train', str(out)])
    yield f'Written: {out}. Check {out / "labels.png"}, then run: {command}'
