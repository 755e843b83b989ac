"""Problems and notes, by kind: one sentence for each kind, with its number and first places."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vitpose_plus.errors import UserError

EXAMPLES = 3
HINT = 'correct the file, or download or prepare it again'
# For files that may be labels in another format.
OTHER_LABELS = f'{HINT}; from labels in other formats, new-dataset writes a COCO keypoint json'


@dataclass
class Finding:
    """Places that are wrong in the same way.

    Args:
        subject: The file or folder.
        what: The end of a sentence about one of the places, or about the file itself.
        hint: What to do.
        is_wrong: Whether it has to be corrected; otherwise it is a note.
        examples: The first places; empty if the sentence is about the file itself.
        count: The number of places.
    """

    subject: str
    what: str
    hint: str
    is_wrong: bool = True
    examples: list[str] = field(default_factory=list)
    count: int = 0

    def __str__(self) -> str:
        place = f': {self.examples[0]}' if self.examples else ''
        others = f', also {", ".join(self.examples[1:])}' if self.examples[1:] else ''
        more = f' ({self.count} in total{others})' if self.count > 1 else ''
        subject = f'{self.subject}{place} {self.what}'.rstrip()
        return f'{subject}{more}: {self.hint}.'


class Findings:
    """Collects findings by kind, in the order in which the kinds are first added."""

    def __init__(self) -> None:
        self._kinds: dict[tuple, Finding] = {}

    def add(
        self, subject: str, what: str, place: str = '', hint: str = HINT, is_wrong: bool = True
    ) -> None:
        """Adds a place to its kind; without a place, the finding is about the file itself."""
        empty = Finding(subject, what, hint, is_wrong)
        finding = self._kinds.setdefault((subject, what, is_wrong), empty)
        finding.count += 1
        if place and len(finding.examples) < EXAMPLES:
            finding.examples.append(place)

    def add_sentence(self, sentence: str) -> None:
        """Adds the complete sentence of another check."""
        subject, _, hint = sentence.rstrip('.').rpartition(': ')
        self.add(subject, '', hint=hint)

    def add_all(self, subject: str, what: str, places: Iterable[str], **how) -> None:
        for place in places:
            self.add(subject, what, place, **how)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kinds.values())

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def problems(self) -> list[Finding]:
        """The findings that have to be corrected."""
        return [finding for finding in self if finding.is_wrong]

    def raise_first(self) -> None:
        """Raises a ``UserError`` with the first problem, if there is one."""
        if problems := self.problems:
            others = len(problems) - 1
            more = f'; other kinds of problems in the file: {others}' if others else ''
            raise UserError(f'{str(problems[0]).rstrip(".")}{more}.')

    @property
    def notes(self) -> list[Finding]:
        """The findings that are harmless: the data is used without a correction."""
        return [finding for finding in self if not finding.is_wrong]


def by(lengths: Iterable[float]) -> str:
    """A size or shape, for a message: 640x480."""
    return 'x'.join(f'{length:g}' for length in lengths)


def shortened(value: object, length: int = 40) -> str:
    """A value of a file, for a message."""
    text = repr(value)
    return text if len(text) <= length else f'{text[:length]}...'
