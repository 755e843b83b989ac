"""``vitpose test --precision --compile``: the same metrics from the fast form of the model."""

import json
from pathlib import Path

import pytest
import torch

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.inference.prepared import Prepared

LOADER = ('test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False')


def metrics_of(*options):
    main(['test', TINY, str(FILE), '--out', 'metrics.json', *options, '--cfg-options', *LOADER])
    metrics = json.loads(Path('metrics.json').read_text())
    return {key: value for key, value in metrics.items() if 'time' not in key}


@pytest.fixture
def prepared(monkeypatch):
    """The precisions of all models that were prepared."""
    made, init = [], Prepared.__init__

    def record(self, network, precision, *others):
        init(self, network, precision, *others)
        made.append(precision)

    monkeypatch.setattr(Prepared, '__init__', record)
    return made


def test_fp32_is_the_default_and_bf16_is_near_it(workplace, prepared):
    expected = metrics_of()
    found = metrics_of('--precision', 'bf16')
    assert prepared == ['fp32', 'bf16']
    mpii = 'mpii/PCK'  # in percent, of many joints; AP of three pictures jumps
    assert 0 < expected[mpii] == pytest.approx(found[mpii], abs=5)
    assert expected != found


@pytest.mark.minutes
def test_a_compiled_model_has_the_same_metrics(workplace, prepared, monkeypatch):
    compiled = torch.compile
    backends = []

    def compile_eagerly(module, **options):
        backends.append(type(module).__name__)
        return compiled(module, backend='eager', fullgraph=True, **options)

    monkeypatch.setattr(torch, 'compile', compile_eagerly)
    assert metrics_of('--compile') == pytest.approx(metrics_of(), abs=1e-3)
    assert {'SinePositionViT', 'FastLayers'} <= set(backends)


@pytest.mark.parametrize('option', [['--precision', 'bf16'], ['--compile']])
def test_a_model_in_shards_is_refused(option, workplace, capsys):
    config = 'vitpose-plus-huge-fsdp_six-datasets-256x192'
    with pytest.raises(SystemExit) as stopped:
        main(['test', config, str(FILE), *option])
    assert stopped.value.code == 2
    assert 'are for models in one piece, and this config is in shards' in capsys.readouterr().err


@pytest.mark.parametrize('option', [['--precision', 'bf16'], ['--compile']])
def test_an_exported_file_is_refused(option, workplace, capsys, monkeypatch):
    monkeypatch.setattr('vitpose_plus.inference.engines.testing.use_file', lambda cfg, path: [])
    with pytest.raises(SystemExit) as stopped:
        main(['test', TINY, 'model.onnx', *option])
    assert stopped.value.code == 2
    assert 'and model.onnx is an exported file' in capsys.readouterr().err
