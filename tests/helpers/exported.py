"""Small exported files, written with the libraries alone."""

from pathlib import Path

import torch
from torch.export import Dim

from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference.engines.description import KEY, KEYPOINTS

CHECKS = (torch.ops.aten._assert_scalar.default,)


def captured(model, description):
    """The graph of a model for any batch size, without the checks of the tracer."""
    dtype = torch.uint8 if description.outputs == KEYPOINTS else torch.float32
    inputs = [torch.zeros(2, 3, *description.input_hw, dtype=dtype)]
    if description.has_experts:
        inputs.append(torch.tensor([0, 1]))
    batch = {0: Dim('batch', min=1, max=4096)}
    graph = graph_of(model.network, description)
    with torch.no_grad():
        program = torch.export.export(
            graph, tuple(inputs), dynamic_shapes=tuple(batch for _ in inputs), strict=False
        )
    for node in list(program.graph.nodes):
        if node.target in CHECKS:
            program.graph.erase_node(node)
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    program.example_inputs = None
    return program


def write_pt2(program, text, path):
    torch.export.save(program, path, extra_files={KEY: text})


def write_onnx(program, text, path):
    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    exported.model.metadata_props[KEY] = text
    exported.save(path)


def write_openvino(program, text, path):
    import openvino

    onnx = Path(path).with_suffix('.onnx')  # of the same graph
    if not onnx.exists():
        write_onnx(program, text, onnx)
    model = openvino.Core().read_model(onnx)
    model.set_rt_info(text, [KEY])
    openvino.save_model(model, path, compress_to_fp16=False)


WRITERS = {'.pt2': write_pt2, '.onnx': write_onnx, '.xml': write_openvino}


def write(model, folder, name, endings=tuple(WRITERS), **options):
    """Writes a model in several formats; returns the files by their endings."""
    description = describe(model, Options(**options))
    program = captured(model, description)
    paths = {ending: Path(folder, f'{name}{ending}') for ending in endings}
    for ending, path in paths.items():
        WRITERS[ending](program, description.to_json(), path)
    return paths
