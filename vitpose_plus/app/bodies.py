"""Reads the bodies of requests before the application receives them."""

import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

LONGEST = 1_000_000  # bytes of a request that is not an upload; requests of the page are shorter
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refusal(Exception):
    """The HTTP status and the sentence of an answer that refuses a request."""


async def read(receive: Receive) -> bytes:
    """Returns the body; a ``Refusal`` if it is too long."""
    body, is_more = b'', True
    while is_more:
        message = await receive()
        body += message.get('body', b'')
        is_more = message.get('more_body', False)
        if len(body) > LONGEST:
            raise Refusal(413, 'The request is too long: upload files instead.')
    return body


def again(body: bytes, receive: Receive) -> Receive:
    """Returns a function that gives the body first, and then what ``receive`` gives."""
    parts = [dict(type='http.request', body=body, more_body=False)]

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    return replay


def parsed(body: bytes) -> Any:
    """Returns the JSON of a body; a ``Refusal`` if it is none."""
    try:
        return json.loads(body or b'null')
    except (ValueError, RecursionError) as error:
        raise Refusal(400, 'The request is not JSON.') from error


def paths(value: Any) -> Iterator[str]:
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
