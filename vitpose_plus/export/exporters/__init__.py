"""Exporters, one class each. The ending of the file's name and the precision choose the class."""

from vitpose_plus.export.exporters.exporter import Exporter
from vitpose_plus.export.exporters.onnx_file import OnnxFile
from vitpose_plus.export.exporters.openvino_files import OpenVinoFiles, QuantisedOpenVinoFiles
from vitpose_plus.export.exporters.torch_program import TorchProgramFile

# The ending of the name -> precision -> the exporter.
EXPORTERS: dict[str, dict[str, type[Exporter]]] = {
    '.onnx': dict(fp32=OnnxFile, fp16=OnnxFile),
    '.xml': dict(fp32=OpenVinoFiles, fp16=OpenVinoFiles, int8=QuantisedOpenVinoFiles),
    '.pt2': dict(fp32=TorchProgramFile, fp16=TorchProgramFile),
}
