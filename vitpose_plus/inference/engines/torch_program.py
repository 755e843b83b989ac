"""Runs .pt2 files of ``torch.export`` with torch."""

import zipfile
from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.errors import reason
from vitpose_plus.inference.engines import pt2_guard
from vitpose_plus.inference.engines.description import KEY
from vitpose_plus.inference.engines.engine import Engine, damaged


class TorchProgram(Engine):
    """A .pt2 file, which torch runs after ``pt2_guard`` has checked it."""

    ending = '.pt2'
    name = 'torch.export'

    def __init__(self, path: Path, device: torch.device) -> None:
        super().__init__(path, device)
        program = pt2_guard.load(path)
        try:
            self._module = _moved(program, device).module()
        except Exception as error:  # a graph of another version of torch can raise any error
            raise damaged(path, reason(error)) from error
        self.provider = f'torch {torch.__version__} {device}'

    @classmethod
    def text(cls, path: Path) -> str | None:
        try:
            with zipfile.ZipFile(path) as archive:
                found = [name for name in archive.namelist() if name.endswith(f'/extra/{KEY}')]
                return archive.read(found[0]).decode() if found else None
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise damaged(path, 'it is no archive of torch.export') from error

    @torch.inference_mode()
    def __call__(self, crops: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor, ...]:
        given = [each.to(self.device) for each in (crops, dataset_index) if each is not None]
        outputs = self._module(*given)
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output.float().cpu() for output in several)


def _moved(
    program: torch.export.ExportedProgram, device: torch.device
) -> torch.export.ExportedProgram:
    """The program on another device, if it is not on the CPU already."""
    if device.type == 'cpu':
        return program
    from torch.export.passes import move_to_device_pass

    return move_to_device_pass(program, device)
