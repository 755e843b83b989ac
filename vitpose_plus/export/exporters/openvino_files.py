"""Writes OpenVINO's .xml and .bin files, and quantises them with NNCF.

OpenVINO cannot read the graph of ``torch.export`` of a model with experts. It reads the .onnx file
of the same graph.
"""

import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from torch.export import ExportedProgram

from vitpose_plus.export.capturing import quiet
from vitpose_plus.export.exporters.exporter import Exporter
from vitpose_plus.export.exporters.onnx_file import OnnxFile
from vitpose_plus.inference.engines.description import KEY, Description

if TYPE_CHECKING:
    from openvino import Model, Node

# The operations with weights.
WEIGHTED = ('Convolution', 'ConvolutionBackpropData', 'MatMul')
HALF = ('fp16',)  # the precisions whose weights are stored in half precision


class OpenVinoFiles(Exporter):
    """Writes a .xml file with the graph, and a .bin file with the weights."""

    packages = OnnxFile.packages | dict(openvino='openvino')

    @staticmethod
    def companion(path: Path) -> Path:
        return path.with_suffix('.bin')

    def write(self, program: ExportedProgram, description: Description, path: Path) -> None:
        import openvino

        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            onnx = Path(folder, 'graph.onnx')
            OnnxFile().write(program, description, onnx)
            model = self._converted(openvino.Core().read_model(onnx))
            model.set_rt_info(description.to_json(), [KEY])
            openvino.save_model(model, path, compress_to_fp16=description.precision in HALF)
            del model  # it may map the file, which Windows does not delete then

    def _converted(self, model: 'Model') -> 'Model':
        return model


class QuantisedOpenVinoFiles(OpenVinoFiles):
    """Writes a network whose layers compute with integers of 8 bits.

    Its decoding, which has no weights, computes in float32.
    """

    packages = OpenVinoFiles.packages | dict(nncf='openvino')
    needs_calibration = True

    @classmethod
    def check_installed(cls, path: Path) -> None:
        turn_telemetry_off()
        with quiet():  # it reports a missing GPU
            super().check_installed(path)

    def _converted(self, model: 'Model') -> 'Model':
        turn_telemetry_off()
        import nncf

        nncf.set_log_level(logging.ERROR)
        names = [node.get_friendly_name() for node in after_weights(model)]
        with quiet():
            return nncf.quantize(
                model,
                nncf.Dataset([[each.numpy() for each in item] for item in self.calibration]),
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(self.calibration),
                ignored_scope=nncf.IgnoredScope(names=names, validate=False),
            )


def after_weights(model: 'Model') -> list['Node']:
    """The operations from whose results no operation with weights is computed."""
    before: set[str] = set()
    after = []
    for node in reversed(model.get_ordered_ops()):
        name = node.get_friendly_name()
        if name in before or node.get_type_name() in WEIGHTED:
            inputs = (each.get_source_output().get_node() for each in node.inputs())
            before.update(each.get_friendly_name() for each in inputs)
        elif node.get_type_name() not in ('Constant', 'Parameter', 'Result'):
            after.append(node)
    return after


def turn_telemetry_off() -> None:
    """Makes NNCF use its replacement for the package ``openvino_telemetry``, which sends nothing.

    NNCF has no setting for this. It uses the replacement if the package cannot be imported.
    """
    sys.modules['openvino_telemetry'] = None
