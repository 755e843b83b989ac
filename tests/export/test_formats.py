"""Every format runs every kind of model as torch does, for any batch size."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.helpers.comparing import assert_same
from tests.helpers.demo import TINY
from tests.helpers.export_models import BOTTOM_UP, PLUS, SIMPLE, random_model
from tests.helpers.exported import write
from tests.helpers.processes import environment, run
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.export import exporting
from vitpose_plus.export.crops import for_comparison
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporters import onnx_file
from vitpose_plus.export.exporting import export
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference.engines.opening import description_of, open_engine

CPU = torch.device('cpu')
HEATMAPS = Options('heatmaps')
SHIFTED = dict(attention=dict(type='ShiftedPoolingWindowAttention', window_hw=(8, 6)))
MODELS = {
    'windows, flip test': (dict(backbone=SHIFTED, head=SIMPLE), Options(flip_test=True)),
    'ViTAE': (dict(backbone=dict(type='ViTAE', num_prefix_tokens=1)), HEATMAPS),
    'bottom-up': (dict(name=BOTTOM_UP), HEATMAPS),
    'six datasets': (dict(name=PLUS), Options()),
    'half precision': ({}, replace(HEATMAPS, precision='fp16')),
}


def inputs_of(description, numbers):
    """Random crops, and the numbers of their datasets if the model has experts."""
    crops = torch.randint(256, (len(numbers), 3, *description.input_hw), dtype=torch.uint8)
    if description.outputs != 'keypoints':
        crops = crops.float() / 128 - 1
    return (crops, torch.tensor(numbers)) if description.has_experts else (crops,)


def batches(description):
    """Numbers of datasets: of batches of several sizes, in which datasets are missing."""
    count = len(description.datasets) if description.has_experts else 1
    yield from ([i % count for i in range(size)] for size in (1, 2, 7, 64))
    yield [count - 1] * 3
    yield [0, count - 1, 0]


@pytest.mark.minutes
@pytest.mark.parametrize('kind', MODELS)
@torch.no_grad()
def test_every_format_equals_torch(kind, tmp_path):
    changes, options = MODELS[kind]
    model = random_model(tmp_path, **changes)
    description = describe(model, options)
    graph = graph_of(model.network, description)
    bound = dict(precision=torch.float16, roundings=8) if options.precision == 'fp16' else {}
    for path in write(model, tmp_path, 'model', options=options).values():
        engine, near = open_engine(path, CPU), []
        assert engine.description == description
        for numbers in batches(description):
            given = inputs_of(description, numbers)
            expected = graph(*given)
            several = expected if isinstance(expected, tuple) else (expected,)
            for actual, wanted in zip(engine(*given), several, strict=True):
                if wanted.shape[-1] == 2:  # keypoints
                    near.append((actual - wanted).norm(dim=-1).flatten() < 0.01)
                else:
                    assert_same(actual, wanted, **bound)
        # Rounding can move some peaks of a network with random weights.
        assert not near or torch.cat(near).float().mean() > 0.98


@pytest.mark.minutes
def test_the_command_writes_two_files_of_openvino(tmp_path, capsys, monkeypatch):
    """The trained model of one dataset, in 8 bits, is near torch."""
    monkeypatch.setattr(exporting, 'CALIBRATION_CROPS', 48)
    monkeypatch.chdir(tmp_path)
    main(['figures', '--num-train', '12', '--num-val', '8'])
    words = ['export', TINY, str(FILE), 'out/model.xml', '--dataset', 'coco']
    main([*words, '--precision', 'int8', '--calibrate', TINY])
    text = capsys.readouterr().out
    assert re.search(r'Calibrating with \d+ crops of the training data of .*\.py', text)
    assert re.search(r'Written: out/model\.xml \(int8, [\d.]+ MB, \d+ s\)', text)
    shares = re.findall(r'([\d.]+)% within 1 px', text)
    assert len(shares) == 3
    assert all(float(share) > 95 for share in shares)
    assert sorted(each.name for each in (tmp_path / 'out').iterdir()) == ['model.bin', 'model.xml']
    assert description_of(tmp_path / 'out' / 'model.xml').precision == 'int8'


@pytest.mark.minutes
def test_large_weights_are_in_a_file_beside(plain, tmp_path, monkeypatch):
    """The limit is lowered, so that a small model is large."""
    monkeypatch.setattr(onnx_file, 'LARGEST', 1000)
    done = export(plain, tmp_path / 'model.onnx', HEATMAPS)
    data = tmp_path / 'model.onnx.data'
    assert sorted(tmp_path.iterdir()) == [done.path, data]
    assert done.size == done.path.stat().st_size + data.stat().st_size
    given = torch.randn(3, 3, 128, 96)
    with torch.no_grad():
        expected = graph_of(plain.network, describe(plain, HEATMAPS))(given)
    assert_same(open_engine(done.path, CPU)(given), (expected,))


SENDS_NOTHING = """
import sys
from vitpose_plus.export.exporters.openvino_files import QuantisedOpenVinoFiles
QuantisedOpenVinoFiles.check_installed('model.xml')
import nncf
from nncf.telemetry import wrapper
print(wrapper.telemetry.__class__.__name__)
print([name for name in sys.modules if name.startswith('openvino_telemetry.utils.sender')])
print(wrapper.NNCFTelemetryStub.__name__)
"""


@pytest.mark.slow
def test_nncf_sends_nothing():
    """It uses its replacement for the package of the telemetry."""
    text = run(sys.executable, '-W', 'ignore', '-c', SENDS_NOTHING, env=environment(CI=''))
    assert text.splitlines()[-3:] == ['MagicMock', '[]', 'MagicMock']


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_model_of_more_than_two_gigabytes(tmp_path, monkeypatch):
    """ViTPose-H with random weights, on a few crops."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS as REGISTRY

    from vitpose_plus.experiments.catalogue import read_config
    from vitpose_plus.inference.models import load

    init_default_scope('mmpose')
    few = partial(for_comparison, count=7)
    monkeypatch.setattr('vitpose_plus.export.crops.for_comparison', few)
    monkeypatch.setattr('vitpose_plus.export.comparing.BATCHES', 2)
    name = 'vitpose-huge_coco-256x192'
    torch.save(REGISTRY.build(read_config(name).model).state_dict(), tmp_path / 'huge.pth')
    done = export(load(name, str(tmp_path / 'huge.pth')), tmp_path / 'huge.onnx', HEATMAPS)
    assert (tmp_path / 'huge.onnx.data').stat().st_size > 2**31
    assert done.path.stat().st_size < 2e7
    assert all(each.largest < 1e-3 for each in done.differences)


RTMLIB = """
import json, sys
import cv2
import numpy as np
from rtmlib import ViTPose

found = []
model = ViTPose('model.onnx', model_input_size=(192, 256), mean=None)
for name in json.load(open('names.json')):
    # rtmlib enlarges the box by 1.25: it becomes the whole crop.
    keypoints, scores = model(cv2.imread(name), [[19.2, 25.6, 172.8, 230.4]])
    found.append([keypoints[0].tolist(), scores[0].tolist()])
print(json.dumps(found))
"""


@pytest.mark.network
def test_rtmlib_gives_our_keypoints(trained_coco, tmp_path):
    """In an environment of its own, because rtmlib installs a second cv2."""
    import cv2

    from vitpose_plus.export.comparing import reference

    options = Options('heatmaps', channels='bgr', normalise=True)
    export(trained_coco, tmp_path / 'model.onnx', options)
    description = describe(trained_coco, Options())
    crops = for_comparison(trained_coco, description)
    expected = reference(trained_coco.network, description, crops)
    names = [f'{number}.png' for number in range(len(crops))]
    for name, crop in zip(names, crops.pixels, strict=True):
        cv2.imwrite(str(tmp_path / name), crop.permute(1, 2, 0).numpy())
    (tmp_path / 'names.json').write_text(json.dumps(names))
    subprocess.run([sys.executable, '-m', 'venv', tmp_path / 'venv'], check=True)
    python = tmp_path / 'venv' / 'bin' / 'python'
    here = dict(env=environment(PYTHONPATH=''), cwd=tmp_path)
    packages = ['rtmlib', 'onnxruntime', 'opencv-python']
    run(python, '-m', 'pip', 'install', '--quiet', *packages, **here)
    found = json.loads(run(python, '-c', RTMLIB, **here).splitlines()[-1])
    points, scores = (np.array(each, np.float32) for each in zip(*found, strict=True))
    distances = np.linalg.norm(points - expected.points.numpy(), axis=-1)
    assert expected.is_clear.float().mean() > 0.8
    assert distances[expected.is_clear.numpy()].max() < 1
    np.testing.assert_allclose(scores, expected.outputs[1], atol=1e-4)


def test_all_formats_need_their_packages(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    for ending in ('.onnx', '.xml'):
        with pytest.raises(SystemExit):
            main(['export', 'no_model', str(tmp_path / f'model{ending}')])
        assert "onnxscript: run pip install 'vitpose_plus[export]'" in capsys.readouterr().err


RUNS_ONNX = """
import sys, time, torch
from vitpose_plus.inference.engines.opening import open_engine
open_engine(sys.argv[1], torch.device('cpu'))
time.sleep(1)
"""


@pytest.mark.slow
def test_onnx_runtime_sends_nothing(plain, tmp_path):
    """Otherwise it would store a number of the device and a list of events in the cache."""
    path = export(plain, tmp_path / 'model.onnx', HEATMAPS).path
    cache = tmp_path / 'cache'
    here = environment(XDG_CACHE_HOME=str(cache), HOME=str(cache))
    here.pop('ORT_DISABLE_TELEMETRY', None)
    run(sys.executable, '-W', 'ignore', '-c', RUNS_ONNX, path, env=here)
    assert not list(cache.rglob('*onnxruntime*'))
