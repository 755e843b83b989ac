"""Runs .onnx files with ONNX Runtime.

ONNX Runtime uses its provider for the CPU, or for CUDA, as the device requires. The environment
variable ``VITPOSE_ONNX_PROVIDER`` names another provider, for example
``TensorrtExecutionProvider``. If ONNX Runtime cannot load a provider, it uses another one and only
writes a warning. Here this is an error.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from vitpose_plus.errors import UserError, needing, reason
from vitpose_plus.inference.engines.description import KEY
from vitpose_plus.inference.engines.engine import Engine, damaged, require_beside

if TYPE_CHECKING:
    from onnx import ModelProto

VARIABLE = 'VITPOSE_ONNX_PROVIDER'
CPU = 'CPUExecutionProvider'
PROVIDERS = dict(cpu=CPU, cuda='CUDAExecutionProvider')  # type of the device -> provider


class OnnxRuntime(Engine):
    """A .onnx file, which ONNX Runtime runs."""

    ending = '.onnx'
    name = 'ONNX Runtime'

    def __init__(self, path: Path, device: torch.device) -> None:
        super().__init__(path, device)
        with needing('onnxruntime', 'export', path):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors only; the provider is checked below
        providers = wanted_providers(device)
        wanted = providers[0][0]
        available = onnxruntime.get_available_providers()
        if wanted not in available:
            raise UserError(
                f'{path} cannot run with {wanted}: install an ONNX Runtime that has this provider '
                f'(the installed one has {", ".join(available)}), or give --device cpu.'
            )
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers)
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise damaged(path, reason(error)) from error
        self.provider = self._session.get_providers()[0]
        if self.provider != wanted:
            raise UserError(
                f'ONNX Runtime runs {path} with {self.provider} instead of {wanted}, which does '
                'not work on this machine: install its libraries, or give --device cpu.'
            )
        self._inputs = [each.name for each in self._session.get_inputs()]

    @classmethod
    def text(cls, path: Path) -> str | None:
        found = _summary(path)
        for name in found.weights:
            require_beside(path, name)
        return found.text

    @classmethod
    def companions(cls, path: Path) -> list[str]:
        return _summary(path).weights

    def __call__(self, crops: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor, ...]:
        given = [each.cpu().numpy() for each in (crops, dataset_index) if each is not None]
        outputs = self._session.run(None, dict(zip(self._inputs, given, strict=True)))
        return tuple(torch.from_numpy(output).float() for output in outputs)


def wanted_providers(device: torch.device) -> list[tuple[str, dict[str, Any]]]:
    """The providers with their options; the first one is required."""
    default = PROVIDERS.get(device.type, CPU)
    names = dict.fromkeys([os.environ.get(VARIABLE) or default, default])
    options = {} if device.type == 'cpu' else dict(device_id=device.index or 0)
    return [(name, {} if name == CPU else options) for name in names]


class Summary(NamedTuple):
    """The parts of a file that are read without ONNX Runtime.

    Attributes:
        text: The text of the description; None if the file has none.
        weights: The names of the files with weights.
    """

    text: str | None
    weights: list[str]


def _summary(path: Path) -> Summary:
    status = os.stat(path)
    return _parsed(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)  # a large file takes seconds, and is described before it is opened
def _parsed(path: Path, time: int, size: int) -> Summary:
    """Reads a file; it is read again if its time or its size has changed."""
    model = _read(path)
    text = {entry.key: entry.value for entry in model.metadata_props}.get(KEY)
    return Summary(text, _external(model))


def _read(path: Path) -> 'ModelProto':
    """Reads a file without the weights that are in another file."""
    with needing('onnx', 'export', path):
        import onnx
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's errors depend on its implementation
        raise damaged(path, 'it is no ONNX model') from error


def _external(model: 'ModelProto') -> list[str]:
    """The names of the files with weights."""
    entries = [entry for tensor in model.graph.initializer for entry in tensor.external_data]
    return sorted({entry.value for entry in entries if entry.key == 'location'})
