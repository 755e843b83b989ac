"""A picture that cannot be read ends a run in one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from vitpose_plus.errors import UserError

# What mmpose's ``LoadImage`` adds to any error; also in the text that a worker hands on.
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
