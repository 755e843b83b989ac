"""Exported files of one convolution, which are written in milliseconds.

The heatmaps (B, 4, 16, 12) are a convolution of the crops (B, 3, 64, 48); with two datasets, the
number of the dataset is added. The keypoints are sums over the heatmaps without a meaning.
"""

import json
import zipfile
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.engines.description import KEY, DatasetPart, Description

NAMES = ('nose', 'left_eye', 'right_eye', 'tail')
SKELETON = Skeleton('coco', NAMES, ((0, 1), (0, 2)), (0, 2, 1, 3), (), (48, 64))
CODEC = dict(type='BatchedUDPHeatmap', input_size=[48, 64], heatmap_size=[12, 16], sigma=2)
PLAIN = Description(
    model='small',
    outputs='heatmaps',
    precision='fp32',
    channels='rgb',
    is_normalising=False,
    mean=(10.0, 20.0, 30.0),
    std=(40.0, 50.0, 60.0),
    flip_test=False,
    has_experts=False,
    datasets=(DatasetPart(SKELETON, use_udp=True, codec=CODEC),),
    licence_flags=('research only',),
)
KEYPOINTS = replace(PLAIN, outputs='keypoints', is_normalising=True)
FEWER = replace(SKELETON, dataset='ap10k', names=NAMES[:3], flips=(0, 2, 1))
EXPERTS = replace(
    PLAIN, has_experts=True, datasets=(*PLAIN.datasets, replace(PLAIN.datasets[0], skeleton=FEWER))
)


class Maps(nn.Module):
    """The heatmaps."""

    def __init__(self):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.rand(4, 3, 4, 4, generator=random))

    def forward(self, crops, dataset=None):
        maps = torch.conv2d(crops.to(torch.float32), self.weight, stride=4)
        return maps if dataset is None else maps + dataset[:, None, None, None]


class Points(Maps):
    """Keypoints and scores."""

    def forward(self, crops, dataset=None):
        maps = super().forward(crops, dataset)
        x, y = maps.mean((2, 3)), maps.amin((2, 3))
        return torch.stack([x, y], -1), maps.amax((2, 3))


MODULES = dict(heatmaps=Maps, keypoints=Points)


def write_pt2(path, description, text=None, module=None):
    """Writes a .pt2 file."""
    module = (module or MODULES[description.outputs]()).eval()
    dtype = torch.uint8 if description.outputs == 'keypoints' else torch.float32
    inputs = [torch.zeros(2, 3, 64, 48, dtype=dtype)]
    if description.has_experts:
        inputs.append(torch.tensor([0, 1]))
    batch = {0: Dim('batch', min=1, max=64)}
    shapes = tuple(batch for _ in inputs)
    program = torch.export.export(module, tuple(inputs), dynamic_shapes=shapes)
    program.example_inputs = None
    extra = {} if text is None else {KEY: text}
    torch.export.save(program, path, extra_files=extra)


def onnx_model(description, text):
    """The graph of ``Maps`` or ``Points``, of ONNX's operators."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = Maps().weight.detach().numpy()
    initializers = [numpy_helper.from_array(weight, 'weight')]
    nodes = [
        helper.make_node('Cast', ['crops'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Conv', ['float', 'weight'], ['conv'], strides=[4, 4]),
    ]
    kind = TensorProto.UINT8 if description.outputs == 'keypoints' else TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info('crops', kind, ['n', 3, 64, 48])]
    if description.has_experts:
        inputs.append(helper.make_tensor_value_info('dataset', TensorProto.INT64, ['n']))
        initializers.append(numpy_helper.from_array(np.array([1, 2, 3]), 'axes'))
        nodes += [
            helper.make_node('Cast', ['dataset'], ['number'], to=TensorProto.FLOAT),
            helper.make_node('Unsqueeze', ['number', 'axes'], ['added']),
            helper.make_node('Add', ['conv', 'added'], ['heatmaps']),
        ]
    else:
        nodes.append(helper.make_node('Identity', ['conv'], ['heatmaps']))
    outputs = dict(heatmaps=['n', 4, 16, 12])
    if description.outputs == 'keypoints':
        outputs = dict(keypoints=['n', 4, 2], scores=['n', 4])
        initializers.append(numpy_helper.from_array(np.array([2, 3]), 'both'))
        initializers.append(numpy_helper.from_array(np.array([2]), 'last'))
        nodes += [
            helper.make_node('ReduceMean', ['heatmaps', 'both'], ['x'], keepdims=0),
            helper.make_node('ReduceMin', ['heatmaps', 'both'], ['y'], keepdims=0),
            helper.make_node('ReduceMax', ['heatmaps', 'both'], ['scores'], keepdims=0),
            helper.make_node('Unsqueeze', ['x', 'last'], ['x1']),
            helper.make_node('Unsqueeze', ['y', 'last'], ['y1']),
            helper.make_node('Concat', ['x1', 'y1'], ['keypoints'], axis=2),
        ]
    described = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in outputs.items()
    ]
    graph = helper.make_graph(nodes, 'small', inputs, described, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    if text is not None:
        helper.set_model_props(model, {KEY: text})
    onnx.checker.check_model(model)
    return model


def write_onnx(path, description, text=None):
    """Writes a .onnx file."""
    import onnx

    onnx.save(onnx_model(description, text), path)


def write_openvino(path, description, text=None):
    """Writes a .xml and a .bin file."""
    import openvino

    model = openvino.Core().read_model(onnx_model(description, None).SerializeToString())
    if text is not None:
        model.set_rt_info(text, [KEY])
    openvino.save_model(model, path, compress_to_fp16=False)


WRITERS = {'.onnx': write_onnx, '.xml': write_openvino, '.pt2': write_pt2}


def write(path, description):
    """Writes a file with a description in the format of its ending; returns the path."""
    WRITERS[path.suffix](path, description, description.to_json())
    return path


def change_pt2(path, out, change_graph=None, records=()):
    """Copies a .pt2 file with another graph (a function changes its json) and other records."""
    records = dict(records)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, 'w') as target:
        root = source.namelist()[0].split('/')[0]
        for name in source.namelist():
            record = name.removeprefix(f'{root}/')
            content = records.pop(record, source.read(name))
            if record == 'models/model.json' and change_graph:
                graph = json.loads(content)
                change_graph(graph)
                content = json.dumps(graph).encode()
            target.writestr(name, content)
        for record, content in records.items():
            target.writestr(f'{root}/{record}', content)
    return out
