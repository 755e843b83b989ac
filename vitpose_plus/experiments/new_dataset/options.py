"""The options of ``new-dataset`` that are kept in the folder of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.checking.findings import shortened
from vitpose_plus.datasets.labels.reading import LabelFiles
from vitpose_plus.experiments.new_dataset.looks import LOOKS
from vitpose_plus.experiments.new_dataset.places import from_options, in_config, in_options

Pairs = tuple[tuple[str, str], ...]
Reader = Callable[[Any], Any]

# Files of the folder that can be changed by hand.
CHECKED = (
    'config.py',
    'dataset.py',
    'held_out.txt',
    'annotations/train.json',
    'annotations/val.json',
)


@dataclass(frozen=True)
class Options:
    """What ``new-dataset`` was given for a folder.

    Attributes:
        name: The name of the dataset.
        labels: The label files of the first run.
        below: The folder from which the annotation files name the pictures.
        boxes: The name of the look, a key of ``LOOKS``.
        category: The value of ``--category``.
        swap: The pairs of ``--swap``.
        links: The pairs of ``--links``.
        no_flip: Whether ``--no-flip`` was given.
        pretrained: The value of ``--pretrained``.
        expert: The value of ``--expert``.
        expert_of: The config and the checkpoint of ``--expert-of``.
        like: The value of ``--like``.
        train: The value of ``--train``.
        added: The label files of each ``--add``.
        sha256: Name of a file that can be changed by hand -> its SHA-256 when it was written.
    """

    name: str
    labels: LabelFiles
    below: Path
    boxes: str
    category: str | None = None
    swap: Pairs = ()
    links: Pairs = ()
    no_flip: bool = False
    pretrained: str | None = None
    expert: str | None = None
    expert_of: tuple[str, str] | None = None
    like: str | None = None
    train: str | None = None
    added: tuple[LabelFiles, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[LabelFiles, ...]:
        """All label files: those of the first run, then those of each addition."""
        return (self.labels, *self.added)

    def to_json(self, folder: Path) -> dict[str, Any]:
        """Returns the options as ``of_json`` reads them; paths are seen from the folder."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        return content | dict(
            labels=_files_text(self.labels, folder),
            below=in_options(self.below, folder),
            pretrained=self.pretrained and in_config(self.pretrained, folder),
            expert_of=self.expert_of and [in_config(each, folder) for each in self.expert_of],
            added=[_files_text(each, folder) for each in self.added],
        )

    @classmethod
    def of_json(cls, content: Mapping[str, Any], folder: Path) -> 'Options':
        """Reads the options of a folder.

        Raises:
            ValueError: A field is missing or wrong.
        """
        readers, read = _readers(folder), {}
        if missing := set(readers) - set(content):
            raise ValueError(f'{min(missing)} is missing')
        for key, value in content.items():
            try:
                read[key] = readers[key](value)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise ValueError(f'{key} is {shortened(value)}') from error
        return cls(**read)


def _readers(folder: Path) -> dict[str, Reader]:
    """Field -> function that reads its value from json, or raises an error."""
    text = _of(str)

    def name(value: object) -> str:
        return from_options(text(value), folder)

    def path(value: object) -> Path:
        return Path(name(value))

    def files(value: Any) -> LabelFiles:
        return LabelFiles(_several(path)(value['files']), _optional(path)(value['pictures']))

    def look(value: object) -> str:
        LOOKS[value]
        return value

    def pair(value: Any) -> tuple[str, str]:
        one, other = _several(name)(value)
        return one, other

    return dict(
        **dict.fromkeys(('category', 'expert', 'like', 'train'), _optional(text)),
        **dict.fromkeys(('swap', 'links'), _several(pair)),
        name=text,
        labels=files,
        below=path,
        boxes=look,
        no_flip=_of(bool),
        pretrained=_optional(name),
        expert_of=_optional(pair),
        added=_several(files),
        sha256=lambda value: {each: text(value[each]) for each in CHECKED},
    )


def _of(kind: type) -> Reader:
    def read(value: object) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return read


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _several(read: Reader) -> Reader:
    return lambda value: tuple(read(each) for each in _of(list)(value))


def _files_text(files: LabelFiles, folder: Path) -> dict[str, Any]:
    pictures = files.pictures and in_options(files.pictures, folder)
    return dict(files=[in_options(each, folder) for each in files.files], pictures=pictures)
