"""Pictures from URLs: https, or http on this machine."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit

import numpy as np

from vitpose_plus.addresses import check_address, open_address
from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import decode
from vitpose_plus.inference.sources.names import as_text, in_message
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, SinglePicture, Source, is_word

MAX_BYTES = 256 * 2**20  # size of a picture


@dataclass
class UrlPicture(Picture):
    """A picture that is downloaded when it is read; ``source`` is its URL."""

    def read(self) -> np.ndarray:
        return decode(download(self.source), in_message(self.source))


class Url(Source):
    """The address of one picture."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and re.match('[a-zA-Z][a-zA-Z0-9+.-]*://', str(given)) is not None

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        url = as_text(self.given)
        check_address(url)
        path = unquote(urlsplit(url).path)
        place = path.rstrip('/').rsplit('/', 1)[-1] or 'picture'
        full = f'{urlsplit(url).hostname}/{path}'
        yield SinglePicture(place, full, url, UrlPicture)


def download(url: str, most: int = MAX_BYTES) -> bytes:
    """Downloads the content of a URL into memory.

    Raises:
        UserError: The download fails or is incomplete, or has more than ``most`` bytes.
    """
    try:
        with open_address(url) as answer:
            size = int(answer.headers.get('Content-Length') or 0)
            content = answer.read(most + 1) if size <= most else b''
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise _failed(url, error.reason if type(error) is URLError else error) from error
    if max(size, len(content)) > most:
        raise UserError(
            f'{in_message(url)} has more than {most // 2**20} MiB: download it by other means, and '
            'give the file.'
        )
    if len(content) < size:  # Python's client raises no error for this
        raise _failed(url, f'cut after {len(content)} of {size} bytes')
    return content


def _failed(url: str, why: object) -> UserError:
    reason = ' '.join(str(why).split())  # the message about endless redirects has several lines
    return UserError(
        f'{in_message(url)} cannot be downloaded ({reason}): check the address and the network.'
    )
