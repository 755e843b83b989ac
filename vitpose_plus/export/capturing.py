"""Captures the graph of a module for any batch size."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS, TAGS, Description

INPUTS = ('crops', 'dataset')
OUTPUTS = {
    KEYPOINTS: ('keypoints', 'scores'),
    HEATMAPS: ('heatmaps',),
    TAGS: ('heatmaps', 'tags'),
}
MOST_CROPS = 4096  # in a batch
NOISY = ('torch', 'onnxscript', 'onnx_ir', 'nncf')  # names of loggers
# The tracer adds these checks, because it does not know that a dataset may have no row in the
# batch, and that every tensor stays on its device. All operations compute empty rows correctly.
CHECKS = (  # operations without a result
    torch.ops.aten._assert_scalar.default,
    torch.ops.aten._assert_async.msg,
    torch.ops.aten._assert_tensor_metadata.default,
    torch.ops.aten.sym_constrain_range.default,
    torch.ops.aten.sym_constrain_range_for_size.default,
)


def batch_dimensions(description: Description, name: Dim | str) -> tuple[dict[int, Dim | str], ...]:
    """For every input, the dimensions with a variable size."""
    return tuple({0: name} for _ in input_names(description))


def input_names(description: Description) -> tuple[str, ...]:
    """The names of the inputs of the file."""
    return INPUTS if description.has_experts else INPUTS[:1]


def output_names(description: Description) -> tuple[str, ...]:
    """The names of the outputs of the file."""
    return OUTPUTS[description.outputs]


def examples(description: Description, size: int = 2) -> tuple[Tensor, ...]:
    """Inputs of zeros: crops (size, 3, height, width) and numbers of datasets (size,)."""
    dtype = torch.uint8 if description.outputs == KEYPOINTS else torch.float32
    crops = torch.zeros(size, 3, *description.input_hw, dtype=dtype)
    numbers = torch.arange(size) % len(description.datasets)
    return (crops, numbers) if description.has_experts else (crops,)


@torch.no_grad()
def capture(graph: nn.Module, description: Description) -> ExportedProgram:
    """Captures the graph of ``graph_of`` for any batch size up to ``MOST_CROPS``."""
    batch = Dim('batch', min=1, max=MOST_CROPS)
    shapes = batch_dimensions(description, batch)
    with quiet():
        program = torch.export.export(graph, examples(description), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        node.meta.pop('stack_trace', None)  # it has the paths of this machine
    return program


def remove_checks(program: ExportedProgram) -> None:
    """Removes the checks of the tracer, so that a dataset may be missing from a batch."""
    for node in list(program.graph.nodes):
        if node.target in CHECKS:
            program.graph.erase_node(node)
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()


@contextmanager
def quiet() -> Iterator[None]:
    """Hides the warnings and the log of the exporters. They still raise their errors."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
