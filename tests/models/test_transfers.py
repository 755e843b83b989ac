"""The loss transfers nothing from the device to the CPU: such a transfer waits for the device.

The model, the crops and the targets are fake tensors of a GPU. They have shapes and a device, but
no values: reading a value is an error. So the test needs no GPU.
"""

from contextlib import suppress

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.helpers.models import KEYPOINTS, SIX, plain, plus

READS = ('_local_scalar_dense', 'nonzero', 'unique', 'masked_select', 'is_nonzero', 'equal')
SIZE = 8


class Reads(TorchDispatchMode):
    """Collects the operations that copy from a GPU to the CPU, or that need values of a GPU."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.__name__.split('.')[0]
        given = [each for each in torch.utils._pytree.tree_leaves((args, kwargs)) if _on_gpu(each)]
        if given and name.strip('_') in {read.strip('_') for read in READS}:
            self.found.append(name)
        if name == 'index' and any(_on_gpu(i) and i.dtype == torch.bool for i in args[1]):
            self.found.append('boolean index')
        result = function(*args, **kwargs or {})
        if name in ('_to_copy', 'copy_') and given and not _on_gpu(result):
            self.found.append(name)
        return result


def _on_gpu(each):
    return isinstance(each, torch.Tensor) and each.device.type == 'cuda'


@pytest.fixture
def gpu():
    """Makes fake tensors of a GPU from real ones."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)

    def fake(tensor):
        with mode:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device='cuda')

    return fake


def moved(model, gpu):
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            module._parameters[name] = torch.nn.Parameter(gpu(parameter))
        for name, buffer in list(module.named_buffers(recurse=False)):
            module._buffers[name] = gpu(buffer)
    return model.train()


def samples(names, gpu):
    for row in range(SIZE):
        name, keypoints = names[row % len(names)]
        sample = PoseDataSample(metainfo=dict(dataset_name=name))
        sample.gt_fields = PixelData(heatmaps=gpu(torch.ones(keypoints, 16, 12)))
        weights = gpu(torch.ones(1, keypoints))
        sample.gt_instance_labels = InstanceData(keypoint_weights=weights)
        yield sample


@pytest.mark.parametrize(('build', 'number'), [(plain, 1), (plus, 6), (plus, 3)])
def test_the_loss_reads_no_values_of_the_device(build, number, gpu):
    model = moved(build(), gpu)
    model.train_cfg = dict(compute_acc=False)  # as in the included configs
    names = list(zip(SIX, KEYPOINTS, strict=True))[:number]
    inputs = gpu(torch.ones(SIZE, 3, 64, 48))
    with Reads() as reads:
        losses = model.loss(inputs, list(samples(names, gpu)))
    assert reads.found == []
    assert len(losses) == (6 if build is plus else 1)
    assert all(_on_gpu(loss) for loss in losses.values())


def test_reads_are_found(gpu):
    """Without values, most of these are errors, too."""
    tensor = gpu(torch.ones(3))
    for read in (lambda: tensor.cpu(), lambda: tensor.sum().item(), lambda: tensor[tensor > 0]):
        with Reads() as reads, suppress(RuntimeError, ValueError, NotImplementedError):
            read()
        assert reads.found
