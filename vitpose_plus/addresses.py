"""Opens URLs: https from everywhere, http only from this machine."""

from email.message import Message
from http.client import HTTPResponse
from typing import IO
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from vitpose_plus.errors import UserError

TIMEOUT = 60  # the longest time without data, in seconds
THIS_MACHINE = ('127.0.0.1', 'localhost', '::1')


def check_address(url: str) -> None:
    """Raises a ``UserError`` for an http address: a file can be changed on its way to us."""
    try:
        address = urlsplit(url)
        allowed = address.scheme == 'https' and bool(address.hostname)
        allowed |= address.scheme == 'http' and address.hostname in THIS_MACHINE
    except ValueError:  # for example brackets that are not closed
        allowed = False
    if not allowed:
        raise UserError(
            f'{url} is not downloaded, as it is not https: give its https address, or download it '
            'by other means, and give the file.'
        )


def open_address(url: str) -> HTTPResponse:
    """Returns the response of the server; the caller must close it.

    Raises:
        UserError: The address, or an address to which it redirects, is not https.
        OSError, HTTPException: The network or the server fails.
    """
    check_address(url)
    request = Request(url, headers={'User-Agent': 'vitpose_plus'})
    return build_opener(SafeRedirects).open(request, timeout=TIMEOUT)


class SafeRedirects(HTTPRedirectHandler):
    """Follows redirects only to allowed addresses, and from https only to https."""

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
