"""The page of a service, served for tests, and a picture that is too large for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tests.helpers.processes import free_port
from vitpose_plus.app.service import PoseService
from vitpose_plus.app.serving import private, serving


@contextmanager
def served(service: PoseService) -> Iterator[str]:
    """Serves the page of a service; yields its address."""
    with private(service.root):
        from vitpose_plus.app.page import build

        page = build(service)
        with serving(page, service.folders, service.limits, '127.0.0.1', free_port()) as address:
            yield address.rstrip('/')


def write_large(path: Path) -> None:
    """Writes a PNG of 200 megapixels and a few kilobytes."""
    Image.new('1', (20_000, 10_000)).save(path, compress_level=1)
