"""The errors that commands print as one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class UserError(ValueError):
    """Wrong input. The message is one sentence: it names the file or field, and says what to do.

    The commands print only the message, and exit with 2.
    """


class RunError(RuntimeError):
    """A run cannot continue, because of a fault of the machine or of the training itself.

    The message is one sentence: what happened, what is kept, and what to do. The commands print
    only the message, and exit with 1.
    """


def reason(error: BaseException) -> str:
    """The type and the first line of an error, for use in a message."""
    return f'{type(error).__name__}: {error}'.splitlines()[0]


def closest(names: Sequence[str]) -> str:
    """The part of a message that suggests names with a similar spelling; empty without names."""
    return f'; the closest names are {", ".join(names)}' if names else ''


@contextmanager
def needing(package: str, extra: str, subject: str | Path) -> Iterator[None]:
    """If a package cannot be imported, raises a ``UserError`` with the extra to install."""
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{subject} needs the package {package}: run pip install 'vitpose_plus[{extra}]'."
        ) from error
