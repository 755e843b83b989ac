"""Loads the content of a file of torch or safetensors, without running any code in it."""

import argparse
import errno
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from vitpose_plus.errors import UserError, needing

Place = str | torch.device | Callable  # torch.load's map_location
LARGEST_HEADER = 100 * 2**20  # safetensors' own limit, in bytes
# The first bytes of files that are given by mistake -> what they are, and what to do.
OTHER_FILES = {
    b'version https://git-lfs': (
        'is a pointer of git-lfs, not the file it stands for',
        'run git lfs pull in its repository, or download the file itself',
    ),
    b'<': (
        'is a web page (HTML or XML)',
        'download the file itself, by an address that needs no login',
    ),
    b'\x1f\x8b': ('is compressed (gzip)', 'unpack it, and give the checkpoint'),
    b'BZh': ('is compressed (bzip2)', 'unpack it, and give the checkpoint'),
    b'\xfd7zXZ': ('is compressed (xz)', 'unpack it, and give the checkpoint'),
    b'\x28\xb5\x2f\xfd': ('is compressed (zstd)', 'unpack it, and give the checkpoint'),
    b'7z\xbc\xaf': ('is a 7z archive', 'unpack it, and give the checkpoint in it'),
    b'Rar!': ('is a RAR archive', 'unpack it, and give the checkpoint in it'),
}
TAR = (257, b'ustar')  # position and bytes that mark a tar archive


def content_of(path: str | Path, mapped: bool = True, place: Place = 'cpu') -> Any:
    """Returns the content of a file of torch or safetensors, with any suffix, or of a folder of
    Hugging Face.

    Args:
        path: A file or folder.
        mapped: Tensors are mapped from the file: they take no memory until they are used. The file
            must not be written meanwhile.
        place: The device of the tensors.

    Raises:
        UserError: The file cannot be read, is no checkpoint, is damaged, or contains code.
    """
    path = Path(os.path.expanduser(path))
    if os.path.isdir(path):  # pathlib's raises if the parent folder may not be read
        path = _weights_in(path)
    start = _start(path)
    if _is_safetensors(path, start):
        return _safetensors(path, place)
    for beginning, (what, hint) in OTHER_FILES.items():
        if start.lstrip().startswith(beginning):
            raise UserError(f'{path} {what}, no checkpoint: {hint}.')
    if start[TAR[0] :].startswith(TAR[1]):
        raise UserError(
            f'{path} is a tar archive, no checkpoint: unpack it, and give the checkpoint in it.'
        )
    return unpickled(path, mapped=mapped, place=place)


def _start(path: Path) -> bytes:
    """Returns the first bytes of a file; a ``UserError`` if it cannot be read or is empty."""
    if not os.path.exists(path):
        raise UserError(f'The checkpoint {path} does not exist: check its path.')
    if not os.path.isfile(path):
        raise UserError(f'{path} is a pipe or a device: give a file.')
    with _reading(path), open(path, 'rb') as file:
        start = file.read(512)
    if not start:
        raise UserError(f'{path} is empty: download or copy it again.')
    return start


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f'{path} cannot be read ({error.strerror}): check permissions.') from error


def _weights_in(folder: Path) -> Path:
    names = ('model.safetensors', 'pytorch_model.bin')
    found = [folder / name for name in names if os.path.isfile(folder / name)]
    if not found and any(folder.glob('*.index.json')):
        raise UserError(
            f'The weights in {folder} are split into shards: save them in one file '
            "(transformers' save_pretrained with a larger max_shard_size)."
        )
    if not found:
        raise UserError(
            f'The folder {folder} holds neither {names[0]} nor {names[1]}: give the checkpoint '
            'file itself.'
        )
    return found[0]


def _is_safetensors(path: Path, start: bytes) -> bool:
    """Whether a file starts like one of safetensors, or has its suffix and is not one of torch."""
    if start[8:9] == b'{' and int.from_bytes(start[:8], 'little') < LARGEST_HEADER:
        return True
    return path.suffix == '.safetensors' and not start.startswith((b'PK', b'\x80'))


def _safetensors(path: Path, place: Place) -> dict:
    with needing('safetensors', 'hf', path):
        from safetensors.torch import load_file
    try:
        tensors = load_file(path)
    except Exception as error:  # its own errors, and torch's if a header is wrong
        raise UserError(
            f'{path} cannot be read as safetensors ({_first_line(error)}): download or copy it '
            'again.'
        ) from error
    if isinstance(place, str | torch.device):
        return {name: value.to(place) for name, value in tensors.items()}
    return tensors


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip('.')


def unpickled(
    path: Path, check_sums: bool = True, mapped: bool = True, place: Place = 'cpu'
) -> Any:
    """Loads a file of torch as data: no code in it is run.

    Without ``check_sums`` only the parts that are needed are read, even of a large file.
    """
    with _reading(path):
        stored = _check_zip(path, check_sums)
        mapped = mapped and stored and path.suffix != '.safetensors'  # torch uses the suffix
        options = torch.serialization.safe_globals([argparse.Namespace])  # in MAE's files
        try:
            with options, open(path, 'rb') as file:
                return torch.load(path if mapped else file, place, weights_only=True, mmap=mapped)
        except (OSError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # a wrong file can raise any error in torch
            raise UserError(f'{path} {_refusal(error)}') from error


def _refusal(error: Exception) -> str:
    if code := re.search(r'GLOBAL (?!torch._utils)(\S+)|refused: (.+?);', str(error)):
        return (
            f'holds more than data ({code[1] or code[2]}): it is refused, and none of its code was '
            'run; give a checkpoint that contains only weights.'
        )
    return (
        'is no checkpoint, or not complete: download or copy it again, or give one that '
        'torch.save or safetensors wrote.'
    )


def _check_zip(path: Path, check_sums: bool) -> bool:
    """Raises a ``UserError`` if a zip archive is not torch's, or if its check sums are wrong: torch
    itself does not compare them.

    Returns:
        Whether it is a zip archive whose parts are not compressed. If another tool compressed
        them, torch would map the compressed bytes.
    """
    try:
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
            has_sums = any(entry.CRC for entry in entries)  # torch can leave them out
            is_valid = not (check_sums and has_sums) or file.testzip() is None
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: a damaged file has a position outside of it
            raise
        is_valid = False
    except Exception:  # a damaged file can raise any error in zipfile
        is_valid = False
    if not is_valid:
        raise UserError(
            f'{path} is damaged, its bytes have changed since it was written (CRC sums): download '
            'or copy it again, or give an earlier checkpoint.'
        )
    parts = {entry.filename.partition('/')[2] for entry in entries}
    if 'constants.pkl' in parts:
        raise UserError(
            f'{path} is a TorchScript program (torch.jit.save), which holds code: give a file that '
            "torch.save wrote of the model's state_dict()."
        )
    if 'data.pkl' not in parts:
        raise UserError(
            f'{path} is a zip archive of other files, no checkpoint: unpack it, and give the '
            'checkpoint in it.'
        )
    return all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
