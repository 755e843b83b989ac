"""What is found to be wrong, by kind: a sentence for each, with how often and where."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vitpose_plus.errors import UserError

EXAMPLES = 3
HINT = 'correct the file, or download or prepare it again'


@dataclass
class Finding:
    """Places that are wrong in the same way.

    Args:
        subject: The file or folder.
        what: The end of a sentence about one of the places, or about the file itself.
        hint: What to do.
        is_wrong: Whether it has to be corrected; else the data is used as it is.
        examples: The first places; none if it is about the file itself.
        count: How many there are.
    """

    subject: str
    what: str
    hint: str
    is_wrong: bool = True
    examples: list[str] = field(default_factory=list)
    count: int = 0

    def __str__(self) -> str:
        place = f': {self.examples[0]}' if self.examples else ''
        others = f': {", ".join(self.examples[1:])}' if self.examples[1:] else ''
        more = f' ({self.count} like it{others})' if self.count > 1 else ''
        subject = f'{self.subject}{place} {self.what}'.rstrip()
        return f'{subject}{more}: {self.hint}.'


class Findings:
    """Collects them, in the order in which their kinds come up."""

    def __init__(self) -> None:
        self._kinds: dict[tuple, Finding] = {}

    def add(
        self, subject: str, what: str, place: str = '', hint: str = HINT, is_wrong: bool = True
    ) -> None:
        """One more place; without one, what is wrong is the file itself."""
        empty = Finding(subject, what, hint, is_wrong)
        finding = self._kinds.setdefault((subject, what, is_wrong), empty)
        finding.count += 1
        if place and len(finding.examples) < EXAMPLES:
            finding.examples.append(place)

    def add_sentence(self, sentence: str) -> None:
        """What another check has said in full."""
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
        """What has to be corrected."""
        return [finding for finding in self if finding.is_wrong]

    def raise_first(self) -> None:
        """Raises a ``UserError`` of the first problem, if there is one."""
        if problems := self.problems:
            others = len(problems) - 1
            more = f'; the file has {others} more, of other kinds' if others else ''
            raise UserError(f'{str(problems[0]).rstrip(".")}{more}.')

    @property
    def notes(self) -> list[Finding]:
        """What is used as it is, and should be known."""
        return [finding for finding in self if not finding.is_wrong]


def by(lengths: Iterable[float]) -> str:
    """A size or shape, for a message: 640x480."""
    return 'x'.join(f'{length:g}' for length in lengths)


def shortened(value: object, length: int = 40) -> str:
    """A value of a file, for a message."""
    text = repr(value)
    return text if len(text) <= length else f'{text[:length]}...'
