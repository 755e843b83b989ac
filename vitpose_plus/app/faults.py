"""Errors of a prediction as sentences for the user of the page."""

from collections.abc import Iterator
from contextlib import contextmanager

from vitpose_plus.app.uploads import Upload
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.inference.batches import memory_errors


@contextmanager
def sentences(device: str) -> Iterator[None]:
    """Raises a ``RunError`` with one sentence if the memory or the disk is too small."""
    try:
        with memory_errors(device):
            yield
    except RunError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise RunError(
            f'The results cannot be written ({error.__cause__.strerror}): free disk space on the '
            'machine of the page.'
        ) from error


@contextmanager
def naming(upload: Upload) -> Iterator[None]:
    """Replaces the path of an upload in messages by its name."""
    try:
        yield
    except UserError as error:
        raise UserError(upload.named(str(error))) from error
