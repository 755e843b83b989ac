"""Opens exported files: the ending of the name chooses the engine."""

from pathlib import Path

import torch

from vitpose_plus.errors import UserError
from vitpose_plus.inference import batches
from vitpose_plus.inference.engines.description import Description
from vitpose_plus.inference.engines.engine import Engine
from vitpose_plus.inference.engines.onnx_runtime import OnnxRuntime
from vitpose_plus.inference.engines.openvino import OpenVino
from vitpose_plus.inference.engines.torch_program import TorchProgram

ENGINES: dict[str, type[Engine]] = {
    engine.ending: engine for engine in (OnnxRuntime, OpenVino, TorchProgram)
}


def is_exported(path: str | Path) -> bool:
    """Whether the name has the ending of an exported file; the file may be missing."""
    return Path(path).suffix.lower() in ENGINES


def open_engine(path: str | Path, device: torch.device) -> Engine:
    """Opens an exported file.

    Raises:
        UserError: The file is missing or damaged, has no description, or cannot run on the device.
    """
    return _engine_of(path)(Path(path), device)


def description_of(path: str | Path) -> Description:
    """Reads what an exported file states about itself; nothing of the file is run."""
    return _engine_of(path).describe(Path(path))


def device_of(path: str | Path, name: str) -> torch.device:
    """Returns the device of a name; ``auto`` is a GPU only if the engine can use one.

    Raises:
        UserError: The device does not exist.
    """
    is_cpu = name == 'auto' and not _engine_of(path).runs_on_gpu
    return batches.device_of('cpu' if is_cpu else name)


def _engine_of(path: str | Path) -> type[Engine]:
    if not is_exported(path):
        raise UserError(f'{path} is no exported file: give one of {", ".join(ENGINES)}.')
    if not Path(path).is_file():
        raise UserError(f'There is no file {path}: give a file that vitpose export wrote.')
    return ENGINES[Path(path).suffix.lower()]
