"""Serves the page at one address, from one folder, without any connection to other machines."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.app.gate import Gate
from vitpose_plus.app.limits import Limits
from vitpose_plus.errors import UserError, reason

if TYPE_CHECKING:
    import gradio as gr


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


@contextmanager
def serving(page: 'gr.Blocks', folder: Path, limits: Limits, host: str, port: int) -> Iterator[str]:
    """Serves the page in its block, and yields the address.

    Args:
        page: The page, made in a block of ``private(folder)``.
        folder: The only folder with files that the page may serve.
        limits: Its ``upload_megabytes`` is the largest size of a file.
        host: The name or number of the network interface.
        port: The number of the port.
    """
    from starlette.middleware import Middleware

    page.launch(
        server_name=host,
        server_port=port,
        theme=_theme(),
        css_paths=Path(__file__).parent / 'page.css',
        max_file_size=int(limits.upload_megabytes * 1e6),
        app_kwargs=dict(middleware=[Middleware(Gate, uploads=folder)]),
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
    try:
        yield page.local_url
    finally:
        page.close(verbose=False)
