"""What all exporters have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor
from torch.export import ExportedProgram

from vitpose_plus.errors import needing
from vitpose_plus.inference.engines.description import Description

Inputs = tuple[Tensor, ...]  # the inputs of one call: crops, and numbers of datasets if needed


class Exporter(ABC):
    """Writes files of one format.

    Args:
        calibration: Inputs with one crop of every dataset, for ``needs_calibration``.

    Attributes:
        packages: Package -> the extra that installs it.
        needs_calibration: Whether the exporter measures the values of the network on crops.
    """

    packages: dict[str, str] = {}
    needs_calibration = False

    def __init__(self, calibration: Sequence[Inputs] = ()) -> None:
        self.calibration = calibration

    @classmethod
    def check_installed(cls, path: Path) -> None:
        """Raises a ``UserError`` with the extra to install if a package is missing."""
        from importlib import import_module

        for package, extra in cls.packages.items():
            with needing(package, extra, path):
                import_module(package)

    @staticmethod
    def companion(path: Path) -> Path | None:
        """The file that may be written beside ``path``, with the weights; None if there is none."""
        return None

    @abstractmethod
    def write(self, program: ExportedProgram, description: Description, path: Path) -> None:
        """Writes the program with its description to ``path``, and its companion beside it."""
