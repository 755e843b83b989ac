"""Checkpoints that are given by a URL: downloaded whole, once, then read as any other file."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import torch
from filelock import FileLock
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from vitpose_plus import files
from vitpose_plus.checkpoints import reading
from vitpose_plus.errors import UserError

PATIENCE = 60  # seconds without a byte


def is_url(path: str | None) -> bool:
    """Whether it is downloaded here; mmengine reads its other addresses, as ``torchvision://``."""
    return bool(path) and path.startswith(('http://', 'https://'))


def is_local(path: str | None) -> bool:
    return bool(path) and '://' not in path


def fetch(url: str) -> str:
    """The file of a URL, in torch's folder for downloads (``TORCH_HOME``).

    It is downloaded unless it is there, checked before it is kept, and never looked for again. Of
    several processes that ask for it at once, one downloads and the others wait.

    Raises:
        UserError: It cannot be downloaded, or is no checkpoint.
    """
    try:
        path = _place(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / 'lock'):
            if not path.is_file():
                _download(url, path)
    except (OSError, HTTPException) as error:
        reason = error.reason if type(error) is URLError else error
        raise UserError(
            f'{url} cannot be downloaded ({reason}): check the address and the network, or '
            'download it by other means, and give the file.'
        ) from error
    return str(path)


def _place(url: str) -> Path:
    """In a folder of its own: many files have one name, as ``model.safetensors``."""
    folder = hashlib.sha256(url.encode()).hexdigest()[:12]
    name = Path(urlsplit(url).path).name or 'checkpoint.pth'
    return Path(torch.hub.get_dir(), 'checkpoints', folder, name)


def _download(url: str, path: Path) -> None:
    """What is cut, or is no checkpoint but a page that asks for a password, is not kept."""
    request = Request(url, headers={'User-Agent': 'vitpose_plus'})
    with urlopen(request, timeout=PATIENCE) as answer, files.replacing(path) as new:
        size = int(answer.headers.get('Content-Length') or 0) or None
        with open(new, 'wb') as file:
            received = _copy(answer, file, size, path.name)
        if size and received < size:  # Python's client reads on as if that were all
            raise ConnectionError(f'cut after {received} of {size} bytes')
        try:
            reading.read(new)
        except UserError as error:
            raise UserError(str(error).replace(str(new), url)) from error


def _copy(answer: BinaryIO, file: BinaryIO, size: int | None, name: str) -> int:
    """Shows how far it has come; returns the number of bytes."""
    columns = (
        TextColumn('downloading {task.description}', markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    received = 0
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=size)
        while part := answer.read(2**20):
            received += file.write(part)
            progress.update(task, completed=received)
    return received
