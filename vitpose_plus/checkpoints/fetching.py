"""Downloads a checkpoint that is given by a URL: completely, once, and checked."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.parse import urlsplit

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
from vitpose_plus.addresses import check_address, open_address
from vitpose_plus.checkpoints import reading
from vitpose_plus.errors import UserError, needing


def is_url(path: str | None) -> bool:
    """Whether the path is downloaded here; mmengine reads others, such as ``torchvision://``."""
    return bool(path) and path.startswith(('http://', 'https://'))


def is_local(path: str | None) -> bool:
    return bool(path) and '://' not in path


def fetch(url: str, sha256: str = '') -> str:
    """Returns the path of a URL's file, in torch's folder for downloads (``TORCH_HOME``).

    A missing file is downloaded, and stored only if it is correct. An existing file needs no
    network. If several processes need a file at once, one downloads it and the others wait.

    Args:
        url: An https address; http is allowed from this machine only.
        sha256: The SHA-256 of the file, or its first digits; empty if it is unknown.

    Raises:
        UserError: The file cannot be downloaded or stored, has another SHA-256, or is no
            checkpoint.
    """
    path = place(url)
    if path.is_file():
        return str(path)
    check_address(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / 'lock'):
            if not path.is_file():
                _download(url, path, sha256)
    except (URLError, HTTPException) as error:
        reason = error.reason if type(error) is URLError else error
        raise UserError(
            f'{url} cannot be downloaded ({reason}): check the address and the network, or '
            f'download it by other means and save it as {path}.'
        ) from error
    except OSError as error:
        raise UserError(
            f'{url} cannot be stored in {path.parent} ({error.strerror}): free some space there, '
            'or set TORCH_HOME to another folder.'
        ) from error
    return str(path)


def place(url: str) -> Path:
    """The path of a URL's file, whether it is downloaded or not.

    Each URL has its own folder, since many files have the same name (``model.safetensors``).
    """
    folder = hashlib.sha256(url.encode()).hexdigest()[:12]
    name = Path(urlsplit(url).path).name or 'checkpoint.pth'
    return Path(torch.hub.get_dir(), 'checkpoints', folder, name)


def _download(url: str, path: Path, sha256: str) -> None:
    """Stores a file only if it is complete, has the right SHA-256 and is a checkpoint.

    Some servers send a login page in place of the file.
    """
    if path.suffix == '.safetensors':
        with needing('safetensors', 'hf', url):  # fails before gigabytes are downloaded
            import safetensors  # noqa: F401
    files.remove_unfinished(path.parent, [path.name])  # left by a killed process
    with _network():
        answer = open_address(url)
    with answer, files.replacing(path) as new:
        size = int(answer.headers.get('Content-Length') or 0) or None
        with open(new, 'wb') as file:
            received, digest = _copy(answer, file, size, path.name)
        if size and received < size:  # http.client raises no error for this
            raise URLError(f'cut after {received} of {size} bytes')
        _check_sum(url, digest, sha256)
        try:
            reading.read(new)
        except UserError as error:
            raise UserError(str(error).replace(str(new), url)) from error


@contextmanager
def _network() -> Iterator[None]:
    """Raises every error of the network as ``URLError``; all other ``OSError``s are disk errors."""
    try:
        yield
    except URLError:
        raise
    except OSError as error:
        raise URLError(error) from error


def _copy(answer: BinaryIO, file: BinaryIO, size: int | None, name: str) -> tuple[int, str]:
    """Copies with a progress bar; returns the number of bytes and their SHA-256."""
    columns = (
        TextColumn('downloading {task.description}', markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    received, digest = 0, hashlib.sha256()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=size)
        while part := _next_part(answer):
            digest.update(part)
            received += file.write(part)
            progress.update(task, completed=received)
    return received, digest.hexdigest()


def _next_part(answer: BinaryIO) -> bytes:
    with _network():
        return answer.read(2**20)


def _check_sum(url: str, digest: str, sha256: str) -> None:
    if not digest.startswith(sha256):
        raise UserError(
            f'{url} has the SHA-256 {digest[: len(sha256)]}, but {sha256} is expected, so it is '
            'not stored: download it again. If that does not help, do not use it: the file behind '
            'the address has changed.'
        )
