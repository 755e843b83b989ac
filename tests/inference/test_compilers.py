"""Compiled modules: fixed batch sizes, memory that is too small, and CUDA graphs."""

import pytest
import torch
from torch import nn

from vitpose_plus.inference.compilers import PATIENCE, Compiled, Replayed, compiler_of


class Doubling:
    """Runs as ``torch.compile`` does, but fails for batches that are too large.

    The result is always written to the same memory, as CUDA graphs do.
    """

    def __init__(self, memory=64):
        self.sizes, self.memory, self.outputs = [], memory, torch.empty(64, 2)

    def __call__(self, x):
        self.sizes.append(len(x))
        if len(x) > self.memory:
            raise torch.OutOfMemoryError('CUDA out of memory.')
        return (torch.mul(x, 2, out=self.outputs[: len(x)]),)


def running(kind, run):
    made = kind(nn.Linear(2, 2))
    del made._run  # a module
    made._run = run
    return made


def test_a_batch_that_fits_no_longer_is_not_filled_up_to_the_old_size():
    run = Doubling()
    compiled = running(Compiled, run)
    compiled(torch.ones(32, 2))
    run.memory = 16  # something else uses the memory now
    with pytest.raises(torch.OutOfMemoryError):
        compiled(torch.ones(32, 2))
    compiled(torch.ones(16, 2))
    assert run.sizes == [32, 32, 16]


def test_a_replayed_graph_does_not_change_earlier_outputs():
    replayed = running(Replayed, Doubling())
    [first], [second] = (replayed(torch.full((3, 2), value)) for value in (1.0, 5.0))
    assert torch.equal(first, torch.full((3, 2), 2.0))
    assert torch.equal(second, torch.full((3, 2), 10.0))


def test_small_batches_get_their_own_graph_if_there_are_many():
    run = Doubling()
    compiled = running(Compiled, run)
    for count in (32, *[1] * (PATIENCE + 2), *[16] * (PATIENCE + 2)):
        compiled(torch.ones(count, 2))
    assert run.sizes == [32] * (PATIENCE + 1) + [1] * 2 + [32] * (PATIENCE + 2)


def test_an_empty_batch_has_an_empty_result():
    [found] = running(Compiled, Doubling())(torch.ones(0, 2))
    assert found.shape == (0, 2)


def test_cuda_graphs_are_for_gpus(monkeypatch):
    assert compiler_of(torch.device('cpu')) is Compiled
    assert compiler_of(torch.device('cuda:1')) is Replayed
    options = []
    monkeypatch.setattr(torch, 'compile', lambda module, **kw: options.append(kw))
    for kind in (Compiled, Replayed):
        kind(nn.Linear(2, 2))
    assert options == [dict(dynamic=False), dict(dynamic=False, mode='reduce-overhead')]
