"""Refuses requests that the page does not send: other addresses, and files that are not uploads."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from vitpose_plus.app.bodies import Message, Receive, Refusal, Send, again, parsed, paths, read
from vitpose_plus.app.folders import Folders
from vitpose_plus.errors import UserError

API = '|'.join(
    [
        r'info/?',  # for clients: the names and arguments of the functions
        r'app_id/?',
        r'startup-events',
        r'heartbeat/\w+',
        r'queue/(join|data)',
        r'call/\w+(/\w+)?',
        r'cancel',
        r'reset/?',
        r'upload',
        r'upload_progress',
        r'theme\.css',
        # A file, but no URL, because Gradio would fetch it. (C:\ on Windows has one letter.)
        r'file=(?!\w\w+:).+',
    ]
)
OPEN = re.compile(
    rf'/(config/?|theme\.css|robots\.txt|manifest\.json|favicon\.ico|(assets|static)/.+|'
    rf'gradio_api/({API}))?',
    re.S,
)
UPLOAD = '/gradio_api/upload'
FORM = 10_000  # bytes of an upload around the file
# Browsers load nothing from other addresses, also where Gradio's scripts name some.
POLICY = (
    "default-src 'self' blob: data: 'unsafe-inline' 'unsafe-eval'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
# A file that is opened as a page runs no script.
FILE, FILE_POLICY = '/gradio_api/file=', "sandbox; default-src 'none'"
OTHER_SITES = ('cross-site', 'same-site')  # values of Sec-Fetch-Site
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Gate:
    """ASGI middleware in front of Gradio.

    Gradio also serves addresses that fetch URLs or convert films. It downloads URLs that are in
    the JSON of a request. This page needs none of that. Every answer forbids the browser to load
    anything from other addresses.

    A page of another address must not send requests for its visitor. So a request of another
    origin is refused. Uploads are refused before they are stored if they are too big.

    Args:
        app: The application behind this middleware.
        folders: The folders of all files. The JSON of a request may name only their files.
        largest: The largest size of an upload in bytes.
    """

    def __init__(self, app: Application, folders: Folders, largest: int) -> None:
        self.app, self.folders, self.largest = app, folders, largest
        self._arriving = 0  # bytes of the uploads that are being received

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode('latin-1') for name, value in scope['headers']}
        try:
            self._check_address(scope, headers)
            if scope['method'] != 'POST':
                await self.app(scope, receive, _with_headers(scope['path'], send))
            elif scope['path'] == UPLOAD:
                await self._upload(scope, receive, send, headers.get(b'content-length', ''))
            else:
                receive = await self._checked(receive)
                await self.app(scope, receive, _with_headers(scope['path'], send))
        except Refusal as refusal:
            await _answer(send, *refusal.args)

    @staticmethod
    def _check_address(scope: Message, headers: dict[bytes, str]) -> None:
        """Raises a ``Refusal`` for other addresses, and for requests of other origins."""
        if scope['type'] != 'http' or not OPEN.fullmatch(scope['path']):
            raise Refusal(404, 'This page has no such address.')
        origin, host = headers.get(b'origin'), headers.get(b'host', '')
        is_other = origin is not None and _netloc(origin) != host.lower()
        is_page = scope['path'] == '/' and scope['method'] in ('GET', 'HEAD')
        if is_other or (headers.get(b'sec-fetch-site') in OTHER_SITES and not is_page):
            raise Refusal(403, 'The request comes from another page: open this page itself.')

    async def _upload(self, scope: Message, receive: Receive, send: Send, length: str) -> None:
        """Passes an upload on if it is not too big, and if there is space for it."""
        if not length.isdecimal():
            raise Refusal(411, 'The upload does not state its length: send Content-Length.')
        size = int(length)
        if size > self.largest + FORM:
            raise Refusal(413, f'The limit is {self.largest / 1e6:g} megabytes: make it smaller.')
        self._arriving += size
        try:
            await asyncio.to_thread(self.folders.check_space, self._arriving)
            await self.app(scope, receive, _with_headers(scope['path'], send))
        except UserError as error:
            raise Refusal(507, str(error)) from error
        finally:
            self._arriving -= size

    async def _checked(self, receive: Receive) -> Receive:
        """Returns the function that gives the application the checked request."""
        body = await read(receive)
        for path in paths(parsed(body)):
            if not self._is_upload(path):
                raise Refusal(
                    403, 'The request names a file that was not uploaded: upload the file itself.'
                )
        return again(body, receive)

    def _is_upload(self, path: str) -> bool:
        try:
            file = Path(path).resolve()
            return '://' not in path and file.is_relative_to(self.folders.root) and file.is_file()
        except (OSError, ValueError):  # the name is too long, or has a null byte
            return False


def _netloc(origin: str) -> str | None:
    """Returns the host and the port of an origin; None if it has none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _with_headers(path: str, send: Send) -> Send:
    """Returns a function that adds a policy to an answer."""
    policy = FILE_POLICY if path.startswith(FILE) else POLICY
    added = [(b'content-security-policy', policy.encode()), (b'x-content-type-options', b'nosniff')]

    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            message['headers'] = [*message.get('headers', ()), *added]
        await send(message)

    return sending


class SameOrigin:
    """ASGI middleware that removes the headers with which Gradio permits other origins.

    Args:
        app: The application behind this middleware.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [
                    (name, value)
                    for name, value in message.get('headers', ())
                    if not name.lower().startswith(b'access-control-')
                ]
            await send(message)

        await self.app(scope, receive, sending)


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b'content-type', b'text/plain; charset=utf-8')]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=sentence.encode()))
