"""Checkpoint files, read without running anything that is in them."""

import argparse
import errno
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.errors import UserError

# Where the sources keep the weights among epochs, optimiser and settings.
WRAPPERS = ('state_dict', 'model', 'module')


def read(path: str | Path) -> dict[str, Tensor]:
    """The weights in a file of torch or safetensors, or in a folder of Hugging Face's.

    A pickle is loaded with ``weights_only``: it may hold data, never code. Big tensors are mapped:
    all are looked at once, but what is not used takes no memory.

    Raises:
        UserError: It is no checkpoint, or damaged, or holds numbers that are not finite.
    """
    path = Path(path)
    if path.is_dir():
        path = _weights_in(path)
    if not path.is_file():
        raise UserError(f'The checkpoint {path} does not exist: check its path.')
    if path.stat().st_size == 0:
        raise UserError(f'{path} is empty: download or copy it again.')
    content = _safetensors(path) if path.suffix == '.safetensors' else unpickled(path)
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    if not isinstance(content, dict) or not content:
        raise UserError(f'{path} holds no state dict: give a file with the weights of a model.')
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise UserError(
                f'{path} holds no state dict: its {name!r} is no tensor; give a file with the '
                'weights of a model.'
            )
    state = {name.removeprefix('module.'): value for name, value in content.items()}
    if len(state) < len(content):
        raise UserError(f'{path} has keys with and without "module." before them: keep one kind.')
    check_finite(state, path)
    return state


def check_finite(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Raises a ``UserError`` if a tensor holds NaN or infinity, as after a training that diverged.

    Args:
        state: Tensors by their names.
        path: The file that they are from.
    """
    spoilt = [name for name, value in state.items() if not _is_finite(value)]
    if spoilt:
        raise UserError(
            f'{path} holds numbers that are not finite (NaN or infinity) in {len(spoilt)} of its '
            f'{len(state)} tensors, first in {spoilt[0]!r}: give an earlier checkpoint.'
        )


def _is_finite(value: Tensor) -> bool:
    """A sum is finite only if all of its terms are, and takes a fiftieth of the time of looking at
    each; it may also overflow."""
    if not value.is_floating_point() or value.sum(dtype=torch.float32).isfinite():
        return True
    return bool(value.isfinite().all())


def _weights_in(folder: Path) -> Path:
    names = ('model.safetensors', 'pytorch_model.bin')
    found = [folder / name for name in names if (folder / name).is_file()]
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


def _safetensors(path: Path) -> dict:
    with needing_safetensors(path):
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(
            f'{path} cannot be read as safetensors ({error}): download or copy it again.'
        ) from error


@contextmanager
def needing_safetensors(path: str | Path) -> Iterator[None]:
    """Says for what, and how, to install what cannot be imported: it is an extra."""
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{path} needs the package safetensors: run pip install 'vitpose_plus[hf]'."
        ) from error


def unpickled(path: Path, check_sums: bool = True) -> dict:
    """What torch saved, as data: none of its code is run.

    Without ``check_sums`` only what is asked for is read, however large the file.
    """
    try:
        zipped = zipfile.is_zipfile(path)
        if check_sums and zipped and not _is_intact(path):
            raise UserError(
                f'{path} is damaged, its bytes are not those that were written (CRC sums): '
                'download or copy it again, or give an earlier checkpoint.'
            )
        with torch.serialization.safe_globals([argparse.Namespace]):  # the options of a MAE run
            return torch.load(path, map_location='cpu', weights_only=True, mmap=zipped)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f'{path} cannot be read ({error.strerror}): check its rights.') from error
    except Exception as error:  # whatever a stranger's file makes torch raise
        if code := re.search(r'GLOBAL (?!torch._utils)(\S+)|refused: (.+?);', str(error)):
            raise UserError(
                f'{path} holds more than data ({code[1] or code[2]}): it is refused, and none of '
                'its code was run; give a checkpoint that holds nothing but weights.'
            ) from error
        raise UserError(
            f'{path} is no checkpoint, or not whole: download or copy it again, or give one that '
            'torch.save or safetensors wrote.'
        ) from error


def _is_intact(path: Path) -> bool:
    """Whether a zip has the sums that it was written with, which torch itself does not compare."""
    try:
        with zipfile.ZipFile(path) as file:
            has_sums = any(entry.CRC for entry in file.infolist())  # torch can leave them out
            return not has_sums or file.testzip() is None
    except OSError as error:
        if error.errno != errno.EINVAL:  # that of a place outside of the file
            raise
        return False
    except Exception:  # whatever a damaged list of contents makes zipfile raise
        return False
