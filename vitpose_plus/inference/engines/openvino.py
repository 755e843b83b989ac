"""Runs .xml files with OpenVINO, on the CPU."""

from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from vitpose_plus.errors import UserError, needing, reason
from vitpose_plus.inference.engines.description import KEY
from vitpose_plus.inference.engines.engine import Engine, damaged, require_beside

# Files of all precisions compute in float32, except for the integer layers of int8 files: in half
# precision, the decoding of the keypoints can divide by zero. Without this setting, OpenVINO uses
# bf16 if the processor has it.
COMPUTED = 'f32'
INTEGER = dict(int8='int8 and ')  # precision of a file -> its other precision, for messages


class OpenVino(Engine):
    """A .xml file with its .bin, which OpenVINO runs."""

    ending = '.xml'
    name = 'OpenVINO'
    runs_on_gpu = False

    def __init__(self, path: Path, device: torch.device) -> None:
        super().__init__(path, device)
        if device.type != 'cpu':
            raise UserError(f'{path} runs on the CPU, not on {device}: give --device cpu.')
        with needing('openvino', 'openvino', path):
            import openvino
        settings = dict(
            INFERENCE_PRECISION_HINT=COMPUTED,
            INFERENCE_NUM_THREADS=torch.get_num_threads(),
            PERFORMANCE_HINT='LATENCY',
        )
        try:
            model = openvino.Core().read_model(path)
            self._compiled = openvino.compile_model(model, 'CPU', settings)
        except Exception as error:  # OpenVINO raises RuntimeError, and errors of its bindings
            raise damaged(path, reason(error)) from error
        used = self._compiled.get_property('INFERENCE_PRECISION_HINT').to_string()
        if used != COMPUTED:
            raise UserError(
                f'OpenVINO computes {path} in {used} instead of {COMPUTED}: update OpenVINO, or '
                'export the model as .onnx.'
            )
        devices = ', '.join(self._compiled.get_property('EXECUTION_DEVICES'))
        self.provider = f'{devices} {INTEGER.get(self.description.precision, "")}{used}'

    @classmethod
    def companions(cls, path: Path) -> list[str]:
        return [path.with_suffix('.bin').name]

    @classmethod
    def text(cls, path: Path) -> str | None:
        try:
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, UnicodeDecodeError, LookupError) as error:
            raise damaged(path, 'it is no XML') from error
        if root.tag != 'net':
            raise damaged(path, 'it is no OpenVINO model')
        for name in cls.companions(path):
            require_beside(path, name)
        found = root.find(f'rt_info/{KEY}')
        return None if found is None else found.get('value')

    def __call__(self, crops: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor, ...]:
        given = [each.cpu().numpy() for each in (crops, dataset_index) if each is not None]
        outputs = self._compiled(given)
        return tuple(torch.from_numpy(outputs[key]).float() for key in self._compiled.outputs)
