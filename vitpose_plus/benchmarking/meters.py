"""Time and memory of a call, for each type of device."""

import resource
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

import torch

from vitpose_plus.benchmarking.ways import Run

STATUS, RESET = Path('/proc/self/status'), Path('/proc/self/clear_refs')
MAXRSS_BYTES = 1 if sys.platform == 'darwin' else 1024  # the unit of ru_maxrss


class Meter(ABC):
    """Measures calls on one device.

    Attributes:
        memory: What ``peak`` is, for the tables.
    """

    memory: str

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def synchronise(self) -> None:
        """Waits until the device has finished all work."""

    @abstractmethod
    def peak(self, run: Run) -> int:
        """Runs once, and returns the peak memory in bytes."""

    def seconds(self, run: Run, repeats: int = 1) -> float:
        """The seconds of one call; the mean of several calls in a row."""
        self.synchronise()
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        self.synchronise()
        return (time.perf_counter() - start) / repeats


class CpuMeter(Meter):
    """The CPU: the peak is the largest memory of the process, with all models that are loaded."""

    memory = 'peak memory of the process (RSS), with the models of all rows'

    def synchronise(self) -> None:
        pass

    def peak(self, run: Run) -> int:
        try:
            RESET.write_text('5')  # Linux: the largest value starts again
        except OSError:
            run()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES
        run()
        [line] = [each for each in STATUS.read_text().splitlines() if each.startswith('VmHWM:')]
        return int(line.split()[1]) * 1024


class CudaMeter(Meter):
    """A GPU: the peak is the memory that torch allocated during the call."""

    memory = 'peak of the memory that torch allocated on the GPU, with the models of all rows'

    def synchronise(self) -> None:
        torch.cuda.synchronize(self.device)

    def peak(self, run: Run) -> int:
        torch.cuda.reset_peak_memory_stats(self.device)
        run()
        self.synchronise()
        return torch.cuda.max_memory_allocated(self.device)


METERS: dict[str, type[Meter]] = dict(cpu=CpuMeter, cuda=CudaMeter)
