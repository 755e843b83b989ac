"""Stops predictions that a user no longer wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from vitpose_plus.errors import UserError

STOPPED = 'The prediction was stopped.'
Session = str | None  # Gradio's name of an opened page


class Stops:
    """The predictions of all opened pages: those that run, and those that wait."""

    def __init__(self) -> None:
        self._events: dict[tuple[Session, str], Event] = {}

    def add(self, session: Session, kind: str) -> None:
        """Adds a prediction that waits; a ``UserError`` if this page has one of this kind."""
        if (session, kind) in self._events:
            raise UserError('A prediction waits or runs already: wait, or stop it.')
        self._events[session, kind] = Event()

    @contextmanager
    def running(self, session: Session, kind: str) -> Iterator[Event]:
        """Yields the event that stops a prediction, which ends with the block."""
        try:
            yield self._events.setdefault((session, kind), Event())
        finally:
            self.remove(session, kind)

    def remove(self, session: Session, kind: str) -> None:
        self._events.pop((session, kind), None)

    def stop(self, session: Session, kind: str) -> None:
        """Stops the prediction of a page, if there is one of this kind."""
        if event := self._events.get((session, kind)):
            event.set()

    def leave(self, session: Session) -> None:
        """Stops all predictions of a page that is closed."""
        for key in [each for each in self._events if each[0] == session]:
            if event := self._events.pop(key, None):
                event.set()


def check(event: Event) -> None:
    """Raises a ``UserError`` if the user has stopped the prediction."""
    if event.is_set():
        raise UserError(STOPPED)
