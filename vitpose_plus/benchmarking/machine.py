"""The machine and the versions of a measurement, without names of hosts or users."""

import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import torch

from vitpose_plus.version import __version__

PACKAGES = (
    *('torch', 'mmpose', 'mmengine', 'transformers'),
    *('onnxruntime', 'openvino', 'opencv-python', 'opencv-python-headless'),
)
# Instructions for products in bf16 and int8, as Linux names them.
INSTRUCTIONS = ('avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'amx_int8')


def use_threads(count: int) -> None:
    """Sets the threads of torch and OpenCV; ONNX Runtime and OpenVINO take as many as torch."""
    torch.set_num_threads(count)
    cv2.setNumThreads(count)


def describe(device: torch.device) -> dict[str, Any]:
    """The versions, the processor, the number of threads and the device."""
    versions = dict(vitpose_plus=__version__, python=platform.python_version())
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    name, flags = _processor()
    gpu = dict(gpu=torch.cuda.get_device_name(device)) if device.type == 'cuda' else {}
    return dict(
        device=str(device),
        **gpu,
        processor=name,
        instructions=[each for each in INSTRUCTIONS if each in flags],
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        versions=versions,
    )


def _processor() -> tuple[str, set[str]]:
    """The name of the processor, and its instructions."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:  # not on Linux
        return platform.processor() or platform.machine(), set()
    facts = dict(line.split(':', 1) for line in reversed(lines) if ':' in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    return facts.get('model name', platform.machine()), set(facts.get('flags', '').split())
