"""The precision of a network: what ``auto`` chooses, and what is refused."""

import pytest
import torch

from vitpose_plus.errors import UserError
from vitpose_plus.inference import precisions
from vitpose_plus.inference.precisions import note_on, precision_of

CPU = torch.device('cpu')
DETECT = precisions.computes_bf16  # the other tests replace it (tests/conftest.py)


@pytest.mark.parametrize(
    ('able', 'expected'),
    [
        ({}, False),
        (dict(amx_bf16=False, avx512_bf16=False, avx512_f=True), False),
        (dict(amx_bf16=True), True),
        (dict(avx512_bf16=True), True),
    ],
)
def test_a_processor_needs_instructions_for_bf16(able, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: able)
    assert DETECT(CPU) is expected
    monkeypatch.setattr(precisions, 'computes_bf16', DETECT)
    assert precision_of('auto', CPU) == ('bf16' if expected else 'fp32')


def test_without_the_instructions_of_torch_auto_is_fp32(monkeypatch):
    """Older releases of torch do not name them."""
    monkeypatch.delattr(torch.cpu, 'get_capabilities')
    assert DETECT(CPU) is False


def test_only_a_precision_that_auto_chose_is_announced():
    assert 'computes in bf16' in note_on('auto', 'bf16')
    assert note_on('auto', 'fp32') is None
    assert note_on('bf16', 'bf16') is None


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('fp16', r'fp16 is for GPUs; processors compute it slowly: give bf16 or fp32'),
        ('int8', r'no precision int8: give auto, fp32, bf16, fp16'),
    ],
)
def test_other_precisions_are_refused(name, message):
    with pytest.raises(UserError, match=message):
        precision_of(name, CPU)
