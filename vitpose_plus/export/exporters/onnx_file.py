"""Writes .onnx files with ``torch.onnx``."""

from pathlib import Path

import torch
from torch.export import ExportedProgram

from vitpose_plus.export.capturing import batch_dimensions, input_names, output_names, quiet
from vitpose_plus.export.exporters.exporter import Exporter
from vitpose_plus.inference.engines.description import KEY, Description

LARGEST = 1.8e9  # bytes of weights in one file; the limit of the format is 2 GB


class OnnxFile(Exporter):
    """Writes a .onnx file, and a .onnx.data file with the weights if they are large."""

    packages = dict(onnx='export', onnxscript='export', onnxruntime='export')

    @staticmethod
    def companion(path: Path) -> Path:
        return path.with_name(f'{path.name}.data')

    def write(self, program: ExportedProgram, description: Description, path: Path) -> None:
        with quiet():
            exported = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=input_names(description),
                output_names=output_names(description),
                dynamic_shapes=batch_dimensions(description, 'batch'),
            )
            exported.model.metadata_props[KEY] = description.to_json()
            exported.save(path, external_data=size_of(program) > LARGEST)


def size_of(program: ExportedProgram) -> int:
    """The bytes of all weights."""
    tensors = [*program.state_dict.values(), *program.constants.values()]
    return sum(t.nbytes for t in tensors if isinstance(t, torch.Tensor))
