"""Refuses requests that the page does not send: other addresses, and files that are not uploads."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

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
LONGEST = 1_000_000  # bytes of a request that is not an upload; requests of the page are shorter
# Browsers load nothing from other addresses, also where Gradio's scripts name some.
POLICY = (
    "default-src 'self' blob: data: 'unsafe-inline' 'unsafe-eval'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = [
    (b'content-security-policy', POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refusal(Exception):
    """The HTTP status and the sentence of an answer that refuses a request."""


class Gate:
    """ASGI middleware in front of Gradio.

    Gradio also serves addresses that fetch URLs or convert films. It downloads URLs that are in
    the JSON of a request. This page needs none of that. Every answer forbids the browser to load
    anything from other addresses.

    Args:
        app: The application behind this middleware.
        uploads: The folder of the uploaded files. The JSON of a request may name only its files.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], uploads: Path) -> None:
        self.app, self.uploads = app, uploads.resolve()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            if scope['type'] == 'http':
                receive = await self._checked(scope, receive)
        except Refusal as refusal:
            await _answer(send, *refusal.args)
        else:
            await self.app(scope, receive, _with_headers(send))

    async def _checked(self, scope: Message, receive: Receive) -> Receive:
        """Returns the function that gives the application the checked request."""
        if not OPEN.fullmatch(scope['path']):
            raise Refusal(404, 'This page has no such address.')
        if scope['method'] != 'POST' or scope['path'] == UPLOAD:
            return receive
        body = await _read(receive)
        for path in _paths(_parsed(body)):
            if not self._is_upload(path):
                raise Refusal(
                    403, 'The request names a file that was not uploaded: upload the file itself.'
                )
        return _again(body, receive)

    def _is_upload(self, path: str) -> bool:
        try:
            return '://' not in path and Path(path).resolve().is_relative_to(self.uploads)
        except (OSError, ValueError):  # the name is too long, or has a null byte
            return False


def _with_headers(send: Send) -> Send:
    """Returns a function that adds ``HEADERS`` to an answer."""

    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            message['headers'] = [*message.get('headers', ()), *HEADERS]
        await send(message)

    return sending


async def _read(receive: Receive) -> bytes:
    body, is_more = b'', True
    while is_more:
        message = await receive()
        body += message.get('body', b'')
        is_more = message.get('more_body', False)
        if len(body) > LONGEST:
            raise Refusal(413, 'The request is too long: upload files instead.')
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Returns a function that gives the body first, and then what ``receive`` gives."""
    parts = [dict(type='http.request', body=body, more_body=False)]

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b'null')
    except (ValueError, RecursionError) as error:
        raise Refusal(400, 'The request is not JSON.') from error


def _paths(value: Any) -> Iterator[str]:
    """Yields every value of a key ``path`` in nested lists and mappings."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get('path'), str):
                yield part['path']
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b'content-type', b'text/plain; charset=utf-8')]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=sentence.encode()))
