"""What torch or safetensors wrote into a file, got without running anything that is in it."""

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

Place = str | torch.device | Callable  # as torch.load's map_location
LARGEST_HEADER = 100 * 2**20  # safetensors' own limit, in bytes
# How files begin that are given for a checkpoint by mistake, what they are, and what to do.
MISTAKEN = {
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
TAR = (257, b'ustar')  # where a tar archive says that it is one


def content_of(path: str | Path, mapped: bool = True, place: Place = 'cpu') -> Any:
    """What is in a file of torch or safetensors, whatever its suffix, or in a folder of Hugging
    Face's.

    Args:
        path: A file or folder.
        mapped: Tensors are parts of the file and take no memory until they are used; it must not be
            written meanwhile.
        place: Where tensors go.

    Raises:
        UserError: It cannot be read, is no checkpoint, is damaged, or holds code.
    """
    path = Path(os.path.expanduser(path))
    if os.path.isdir(path):  # pathlib's raises where the folder above cannot be entered
        path = _weights_in(path)
    start = _start(path)
    if _is_safetensors(path, start):
        return _safetensors(path, place)
    for beginning, (what, hint) in MISTAKEN.items():
        if start.lstrip().startswith(beginning):
            raise UserError(f'{path} {what}, no checkpoint: {hint}.')
    if start[TAR[0] :].startswith(TAR[1]):
        raise UserError(
            f'{path} is a tar archive, no checkpoint: unpack it, and give the checkpoint in it.'
        )
    return unpickled(path, mapped=mapped, place=place)


def _start(path: Path) -> bytes:
    """The first bytes of a file, after making sure that it is one that can be read."""
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
        raise UserError(f'{path} cannot be read ({error.strerror}): check its rights.') from error


def _weights_in(folder: Path) -> Path:
    names = ('model.safetensors', 'pytorch_model.bin')
    found = [folder / name for name in names if os.path.isfile(folder / name)]
    if not found and any(folder.glob('*.index.json')):
        raise UserError(
            f'The weights in {folder} are cut into shards: save them in one file '
            "(transformers' save_pretrained with a larger max_shard_size)."
        )
    if not found:
        raise UserError(
            f'The folder {folder} holds neither {names[0]} nor {names[1]}: give the checkpoint '
            'file itself.'
        )
    return found[0]


def _is_safetensors(path: Path, start: bytes) -> bool:
    """The length of a header, and its first brace; or the suffix, unless torch wrote the file."""
    if start[8:9] == b'{' and int.from_bytes(start[:8], 'little') < LARGEST_HEADER:
        return True
    return path.suffix == '.safetensors' and not start.startswith((b'PK', b'\x80'))


def _safetensors(path: Path, place: Place) -> dict:
    with needing('safetensors', 'hf', path):
        from safetensors.torch import load_file
    try:
        tensors = load_file(path)
    except Exception as error:  # its own, and those of torch for what a header may say
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
    """What torch saved, as data: none of its code is run.

    Without ``check_sums`` only what is asked for is read, however large the file.
    """
    with _reading(path):
        stored = _check_zip(path, check_sums)
        mapped = mapped and stored and path.suffix != '.safetensors'  # torch goes by that name
        options = torch.serialization.safe_globals([argparse.Namespace])  # of a MAE run
        try:
            with options, open(path, 'rb') as file:
                return torch.load(path if mapped else file, place, weights_only=True, mmap=mapped)
        except (OSError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # whatever a stranger's file makes torch raise
            raise UserError(f'{path} {_refusal(error)}') from error


def _refusal(error: Exception) -> str:
    if code := re.search(r'GLOBAL (?!torch._utils)(\S+)|refused: (.+?);', str(error)):
        return (
            f'holds more than data ({code[1] or code[2]}): it is refused, and none of its code was '
            'run; give a checkpoint that holds nothing but weights.'
        )
    return (
        'is no checkpoint, or not whole: download or copy it again, or give one that torch.save '
        'or safetensors wrote.'
    )


def _check_zip(path: Path, check_sums: bool) -> bool:
    """Raises a ``UserError`` if a zip is not torch's, or has not the sums that it was written with,
    which torch itself does not compare.

    Returns:
        Whether it is a zip whose parts are stored as they are. Another tool may have compressed
        them, of which torch would map the compressed bytes.
    """
    try:
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
            has_sums = any(entry.CRC for entry in entries)  # torch can leave them out
            intact = not (check_sums and has_sums) or file.testzip() is None
    except OSError as error:
        if error.errno != errno.EINVAL:  # that of a place outside of the file
            raise
        intact = False
    except Exception:  # whatever a damaged list of contents makes zipfile raise
        intact = False
    if not intact:
        raise UserError(
            f'{path} is damaged, its bytes are not those that were written (CRC sums): download or '
            'copy it again, or give an earlier checkpoint.'
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
