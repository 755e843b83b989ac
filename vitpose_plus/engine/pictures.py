"""Ends a run with one sentence if a picture cannot be read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from vitpose_plus.errors import UserError

# The text that mmpose's ``LoadImage`` adds to every error; errors of workers contain it, too.
LOADING = re.compile(r'occurs when loading `(.+?)`')


@contextmanager
def naming_broken_pictures() -> Iterator[None]:
    """Raises a ``UserError`` with the path of a picture that the loader could not read."""
    try:
        yield
    except Exception as error:
        if paths := LOADING.findall(str(error)):
            raise UserError(
                f'The picture {paths[-1]} cannot be read: replace it, or take it out of the '
                'annotations.'
            ) from error
        raise
