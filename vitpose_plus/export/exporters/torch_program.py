"""Writes .pt2 files with ``torch.export``."""

from pathlib import Path

import torch
from torch.export import ExportedProgram

from vitpose_plus.export.capturing import quiet, remove_checks
from vitpose_plus.export.exporters.exporter import Exporter
from vitpose_plus.inference.engines.description import KEY, Description


class TorchProgramFile(Exporter):
    """Writes a .pt2 file without example inputs, which torch would pickle.

    ``inference/engines/pt2_guard.py`` refuses pickled inputs.
    """

    def write(self, program: ExportedProgram, description: Description, path: Path) -> None:
        remove_checks(program)
        program.example_inputs = None
        with quiet():
            torch.export.save(program, path, extra_files={KEY: description.to_json()})
