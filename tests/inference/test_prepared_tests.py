"""``PrepareHook``: where the fast form of the tested model stands."""

import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import get_priority
from torch import distributed

from tests.inference.test_prepared import PLAIN, built
from vitpose_plus.inference.fast_backbones import FastBackbone
from vitpose_plus.inference.prepared_tests import PrepareHook


@pytest.fixture
def one_process(tmp_path):
    """A group of processes with this process alone."""
    store = distributed.FileStore(str(tmp_path / 'store'), 1)
    distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def prepared(model):
    runner = SimpleNamespace(model=model, logger=logging.getLogger('test'))
    PrepareHook('bf16', compile=False).before_test_epoch(runner)
    return runner.model


def test_the_fast_form_replaces_the_model():
    assert isinstance(prepared(built(PLAIN)).backbone, FastBackbone)


def test_a_wrapper_for_several_processes_runs_the_fast_form(one_process, monkeypatch):
    wrapped = prepared(MMDistributedDataParallel(built(PLAIN)))
    assert isinstance(wrapped, MMDistributedDataParallel)
    assert isinstance(wrapped.module.backbone, FastBackbone)
    assert {each.dtype for each in wrapped.module.backbone.parameters()} == {torch.bfloat16}
    monkeypatch.setattr(type(wrapped.module), 'test_step', lambda self, data: (self, data))
    assert wrapped.test_step(3) == (wrapped.module, 3)


def test_weights_are_copied_after_all_other_hooks_have_changed_them():
    """``EMAHook`` replaces the weights before a test, in the same method."""
    assert EMAHook.before_test_epoch is not Hook.before_test_epoch
    assert get_priority(PrepareHook.priority) > get_priority(EMAHook.priority)
    assert PrepareHook.before_test is Hook.before_test
