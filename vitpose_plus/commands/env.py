"""Print versions, processor and devices for a bug report."""

import argparse
import json
import os
import platform
from importlib import metadata

from vitpose_plus.version import __version__

NEEDS_STACK = False

# Packages that provide the same module are in one group; usually one of them is installed.
PACKAGES = (
    *('torch', 'torchvision', 'numpy', 'opencv-python', 'opencv-python-headless'),
    *(
        'mmengine',
        'onedl-mmengine',
        'mmcv',
        'mmcv-lite',
        'onedl-mmcv',
        'mmdet',
        'onedl-mmdetection',
    ),
    *('mmpose', 'openmim', 'onedl-mim', 'xtcocotools', 'setuptools', 'transformers', 'safetensors'),
)
VARIABLES = (
    *('CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'),
    *('ATEN_CPU_CAPABILITY', 'MKL_ENABLE_INSTRUCTIONS', 'ONEDNN_MAX_CPU_ISA'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--json', action='store_true', help='print JSON instead of a list')


def run(args: argparse.Namespace) -> None:
    facts = collect()
    if args.json:
        print(json.dumps(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f'{name:<{width}}  {value}')


def collect() -> dict[str, str]:
    """Returns name -> value, without the names of the machine and its user."""
    facts = dict(vitpose_plus=__version__, python=platform.python_version())
    facts['system'] = f'{platform.system()} {platform.release()}, {platform.machine()}'
    for name in PACKAGES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    facts.update(_devices())
    facts.update({name: os.environ[name] for name in VARIABLES if name in os.environ})
    return facts


def _devices() -> dict[str, str]:
    try:
        import torch
    except Exception as error:  # the report may be about a broken installation
        return {'torch fails': f'{type(error).__name__}: {error}'}
    facts = {'processor': f'{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}'}
    facts['threads'] = str(torch.get_num_threads())
    facts['CUDA'] = torch.version.cuda or 'not in this torch'
    for number in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(number)
        memory = gpu.total_memory / 2**30
        facts[f'GPU {number}'] = f'{gpu.name}, {memory:.0f} GiB, {gpu.major}.{gpu.minor}'
    if not torch.cuda.is_available():
        facts['GPU'] = 'none that torch can use'
    return facts
