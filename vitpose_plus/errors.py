from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(ValueError):
    """Bad input: its message is one sentence that names the file or field and the remedy.

    The commands print the message alone and exit with 2.
    """


class RunError(RuntimeError):
    """A run that cannot go on, through a fault of the machine or of the training itself.

    Its message is one sentence that says what happened, what is left and what to do; the commands
    print the message alone and exit with 1.
    """


def reason(error: BaseException) -> str:
    """Type and first line of an error's message, for a sentence about it."""
    return f'{type(error).__name__}: {error}'.splitlines()[0]


@contextmanager
def needing(package: str, extra: str, subject: str | Path) -> Iterator[None]:
    """Says for what, and how, to install a package that cannot be imported: an extra brings it."""
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{subject} needs the package {package}: run pip install 'vitpose_plus[{extra}]'."
        ) from error
