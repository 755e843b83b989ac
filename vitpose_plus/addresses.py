"""URLs that are read: by https, and by http from this machine alone."""

from email.message import Message
from http.client import HTTPResponse
from typing import IO
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from vitpose_plus.errors import UserError

PATIENCE = 60  # seconds without a byte
THIS_MACHINE = ('127.0.0.1', 'localhost', '::1')


def check_address(url: str) -> None:
    """Raises a ``UserError`` for http, on which a file can be changed on its way."""
    try:
        address = urlsplit(url)
        allowed = address.scheme == 'https' and bool(address.hostname)
        allowed |= address.scheme == 'http' and address.hostname in THIS_MACHINE
    except ValueError:  # as of brackets that are not closed
        allowed = False
    if not allowed:
        raise UserError(
            f'{url} is not downloaded, as it is not https: give its https address, or download it '
            'by other means, and give the file.'
        )


def open_address(url: str) -> HTTPResponse:
    """The answer of a server, to be read and closed.

    Raises:
        UserError: The address, or one that it leads to, is not https.
        OSError, HTTPException: The network or the server fails.
    """
    check_address(url)
    request = Request(url, headers={'User-Agent': 'vitpose_plus'})
    return build_opener(SafeRedirects).open(request, timeout=PATIENCE)


class SafeRedirects(HTTPRedirectHandler):
    """Follows only to addresses that may be given, and from https only to https."""

    def redirect_request(
        self, req: Request, fp: IO, code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        check_address(newurl)
        if req.type == 'https' and urlsplit(newurl).scheme != 'https':
            raise UserError(
                f'{req.full_url} is not downloaded, as it leads to {newurl}, which is not https: '
                'download it by other means, and give the file.'
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
