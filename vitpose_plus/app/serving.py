"""Serves the page at one address, from one folder, without any connection to other machines."""

import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.app.folders import Folders
from vitpose_plus.app.gate import Gate, SameOrigin
from vitpose_plus.app.limits import Limits
from vitpose_plus.errors import UserError, reason

if TYPE_CHECKING:
    import gradio as gr
    from starlette.middleware import Middleware

LOOPBACK = ('localhost', '127.0.0.1', '[::1]')


def check_address(host: str, port: int) -> None:
    """Raises a ``UserError`` if the page cannot be served at this address."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as listener:
            if os.name == 'posix':  # a port of a server that has just ended is free
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise UserError(
            f'The page cannot be served at {host}:{port} ({reason(error)}): give another --host '
            'or --port.'
        ) from error


@contextmanager
def private(folder: Path) -> Iterator[None]:
    """In its block, Gradio stores all files in a folder, and sends nothing to other machines."""
    local = ['localhost', '127.0.0.1', '::1']
    proxies = {
        name: ','.join(filter(None, [os.environ.get(name), *local]))
        for name in ('NO_PROXY', 'no_proxy')
    }
    own = dict(
        GRADIO_TEMP_DIR=str(folder),
        GRADIO_EXAMPLES_CACHE=str(folder / 'examples'),
        GRADIO_ALLOWED_PATHS='',
        GRADIO_ANALYTICS_ENABLED='False',
        **proxies,  # Gradio requests its own page once
    )
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _theme() -> 'gr.Theme':
    """Gradio's default theme with the fonts of the user's system, and a higher contrast."""
    import gradio as gr

    fonts = ['ui-sans-serif', 'system-ui', 'sans-serif']
    theme = gr.themes.Default(primary_hue='blue', font=fonts, font_mono=['ui-monospace'])
    return theme.set(
        button_primary_background_fill='*primary_600',
        button_primary_background_fill_hover='*primary_700',
    )


def _middleware(
    folders: Folders, largest: int, host: str, domains: Sequence[str]
) -> list['Middleware']:
    """The gate; and before it the check of the header Host, if its values are known."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    gate = Middleware(Gate, folders=folders, largest=largest)
    if not domains and not _is_loopback(host):
        return [gate]
    known = [*LOOPBACK, host, *domains]
    check = Middleware(TrustedHostMiddleware, allowed_hosts=known, www_redirect=False)
    return [check, gate]


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return ipaddress.ip_address(socket.getaddrinfo(host, None)[0][4][0]).is_loopback


@contextmanager
def serving(
    page: 'gr.Blocks',
    folders: Folders,
    limits: Limits,
    host: str,
    port: int,
    domains: Sequence[str] = (),
) -> Iterator[str]:
    """Serves the page in its block, and yields the address.

    Args:
        page: The page, made in a block of ``private(folders.root)``.
        folders: The folders with all files that the page may serve.
        limits: Its ``upload_megabytes`` is the largest size of a file.
        host: The name or number of the network interface.
        port: The number of the port.
        domains: The names at which a web server in front of the page serves it.
    """
    largest = int(limits.upload_megabytes * 1e6)
    page.launch(
        server_name=host,
        server_port=port,
        theme=_theme(),
        css_paths=Path(__file__).parent / 'page.css',
        max_file_size=largest,
        app_kwargs=dict(middleware=_middleware(folders, largest, host, domains)),
        footer_links=[],
        share=False,
        inbrowser=False,
        inline=False,
        quiet=True,
        prevent_thread_lock=True,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        num_workers=0,
    )
    # Gradio adds its own middleware before that of ``app_kwargs``.
    page.app.middleware_stack = SameOrigin(page.app.middleware_stack)
    try:
        yield page.local_url
    finally:
        page.close(verbose=False)
