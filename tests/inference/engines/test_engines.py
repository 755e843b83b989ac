"""All engines compute the same; files that cannot be run raise one sentence."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from tests.helpers import small_files
from tests.helpers.small_files import EXPERTS, KEYPOINTS, PLAIN, WRITERS, write
from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines import onnx_runtime, openvino
from vitpose_plus.inference.engines.description import KEY
from vitpose_plus.inference.engines.opening import (
    ENGINES,
    description_of,
    device_of,
    is_exported,
    open_engine,
)

CPU = torch.device('cpu')


@pytest.mark.parametrize('ending', WRITERS)
@pytest.mark.parametrize('size', [1, 3])
def test_engines_compute_what_torch_computes(ending, size, tmp_path):
    engine = open_engine(write(tmp_path / f'file{ending}', EXPERTS), CPU)
    crops, numbers = torch.rand(size, 3, 64, 48), torch.arange(size) % 2
    (maps,) = engine(crops, numbers)
    expected = small_files.Maps()(crops, numbers)
    torch.testing.assert_close(maps, expected.detach(), rtol=1e-5, atol=1e-5)
    assert engine.description == description_of(tmp_path / f'file{ending}')
    assert json.loads(engine.description.to_json()) == json.loads(EXPERTS.to_json())


@pytest.mark.parametrize('ending', ['.onnx', '.xml'])
def test_pixels_go_in_and_keypoints_come_out_in_order(ending, tmp_path):
    engine = open_engine(write(tmp_path / f'file{ending}', KEYPOINTS), CPU)
    crops = torch.randint(0, 256, (2, 3, 64, 48), dtype=torch.uint8)
    for found, expected in zip(engine(crops), small_files.Points()(crops), strict=True):
        torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-3)


def test_the_provider_is_the_one_that_the_library_names(tmp_path):
    names = {
        ending: open_engine(write(tmp_path / f'file{ending}', PLAIN), CPU).provider
        for ending in WRITERS
    }
    version = f'torch {torch.__version__} cpu'
    assert names == {'.onnx': 'CPUExecutionProvider', '.xml': 'CPU f32', '.pt2': version}


def test_engines_use_as_many_threads_as_torch(tmp_path):
    torch.set_num_threads(2)
    onnx = open_engine(write(tmp_path / 'file.onnx', PLAIN), CPU)
    xml = open_engine(write(tmp_path / 'file.xml', PLAIN), CPU)
    assert onnx._session.get_session_options().intra_op_num_threads == 2
    assert xml._compiled.get_property('INFERENCE_NUM_THREADS') == 2


@pytest.mark.parametrize(
    ('precision', 'provider'),
    [('fp32', 'CPU f32'), ('fp16', 'CPU f32'), ('int8', 'CPU int8 and f32')],
)
def test_openvino_never_chooses_a_lower_precision(precision, provider, tmp_path):
    engine = open_engine(write(tmp_path / 'file.xml', replace(PLAIN, precision=precision)), CPU)
    assert engine.provider == provider


def test_another_precision_than_the_wanted_one_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(openvino, 'COMPUTED', 'f64')
    path = write(tmp_path / 'file.xml', PLAIN)
    with pytest.raises(UserError, match=r'file\.xml'):
        open_engine(path, CPU)


def test_a_provider_that_is_not_installed_is_an_error(tmp_path, monkeypatch):
    path = write(tmp_path / 'file.onnx', PLAIN)
    monkeypatch.setenv(onnx_runtime.VARIABLE, 'TensorrtExecutionProvider')
    with pytest.raises(UserError, match='cannot run with TensorrtExecutionProvider: install'):
        open_engine(path, CPU)


def test_another_provider_than_the_wanted_one_is_an_error(tmp_path, monkeypatch):
    """ONNX Runtime falls back to the CPU if the libraries of a provider are missing."""
    import onnxruntime

    path = write(tmp_path / 'file.onnx', PLAIN)
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: ['CUDAExecutionProvider'])
    with (
        pytest.warns(UserWarning, match='not in available'),
        pytest.raises(
            UserError, match='with CPUExecutionProvider instead of CUDAExecutionProvider'
        ),
    ):
        open_engine(path, torch.device('cuda:0'))


def test_providers_follow_the_device_and_the_variable(monkeypatch):
    cuda = torch.device('cuda', 1)
    wanted = onnx_runtime.wanted_providers
    assert wanted(CPU) == [('CPUExecutionProvider', {})]
    assert wanted(cuda) == [('CUDAExecutionProvider', {'device_id': 1})]
    monkeypatch.setenv(onnx_runtime.VARIABLE, 'TensorrtExecutionProvider')
    assert [name for name, _ in wanted(cuda)] == [
        'TensorrtExecutionProvider',
        'CUDAExecutionProvider',
    ]


def test_openvino_runs_on_the_cpu_only(tmp_path):
    path = write(tmp_path / 'file.xml', PLAIN)
    assert device_of(path, 'auto') == CPU
    with pytest.raises(UserError, match='runs on the CPU, not on cuda:0: give --device cpu'):
        open_engine(path, torch.device('cuda:0'))


@pytest.mark.parametrize('ending', WRITERS)
def test_a_file_without_a_description_is_refused(ending, tmp_path):
    path = tmp_path / f'file{ending}'
    WRITERS[ending](path, PLAIN)
    with pytest.raises(UserError, match='has no description of its keypoints'):
        open_engine(path, CPU)


@pytest.mark.parametrize('ending', WRITERS)
@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('{"schema": 99, "version": "9.0"}', 'wrote it with schema 99'),
        ('{"schema": 1}', 'description is damaged'),
        ('no json', 'description is damaged'),
    ],
)
def test_a_wrong_description_is_refused_with_the_name_of_the_file(ending, text, words, tmp_path):
    path = tmp_path / f'file{ending}'
    WRITERS[ending](path, PLAIN, text)
    with pytest.raises(UserError, match=words) as error:
        description_of(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize('ending', WRITERS)
@pytest.mark.parametrize('content', [b'', b'text', b'<net', b'PK\x03\x04', b'\x80\x02}q\x00.'])
def test_a_damaged_file_is_refused(ending, content, tmp_path):
    path = tmp_path / f'file{ending}'
    path.with_suffix('.bin').write_bytes(b'')
    path.write_bytes(content)
    with pytest.raises(UserError, match=f'file{ending}'):
        open_engine(path, CPU)


@pytest.mark.parametrize('ending', WRITERS)
def test_half_of_a_file_is_refused(ending, tmp_path):
    path = write(tmp_path / f'file{ending}', PLAIN)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f'file{ending}'):
        open_engine(path, CPU)


def test_missing_weights_beside_a_file_are_named(tmp_path):
    import onnx

    xml = write(tmp_path / 'file.xml', PLAIN)
    xml.with_suffix('.bin').unlink()
    with pytest.raises(UserError, match=r'needs the file file\.bin beside it'):
        open_engine(xml, CPU)
    path = tmp_path / 'file.onnx'
    model = small_files.onnx_model(PLAIN, PLAIN.to_json())
    big = dict(save_as_external_data=True, location='file.onnx.data', size_threshold=0)
    onnx.save(model, path, **big)
    engine = open_engine(path, CPU)
    assert engine.companions(path) == ['file.onnx.data']
    path.with_suffix('.onnx.data').unlink()
    with pytest.raises(UserError, match=r'needs the file file\.onnx\.data beside it'):
        open_engine(path, CPU)


def test_weights_in_another_folder_are_refused(tmp_path):
    import onnx

    model = small_files.onnx_model(PLAIN, PLAIN.to_json())
    big = dict(save_as_external_data=True, location='data', size_threshold=0)
    onnx.save(model, tmp_path / 'file.onnx', **big)
    for entry in model.graph.initializer[0].external_data:
        entry.value = '../data' if entry.key == 'location' else entry.value
    (tmp_path / 'file.onnx').write_bytes(model.SerializeToString())
    assert b'../data' in (tmp_path / 'file.onnx').read_bytes()
    with pytest.raises(UserError, match='names weights in another folder'):
        open_engine(tmp_path / 'file.onnx', CPU)


def test_other_files_and_missing_files_are_named(tmp_path):
    assert is_exported('model.ONNX')
    assert not is_exported('model.pth')
    with pytest.raises(UserError, match=r'There is no file .*none\.onnx'):
        open_engine(tmp_path / 'none.onnx', CPU)
    with pytest.raises(UserError, match=r'is no exported file: give one of \.onnx, \.xml, \.pt2'):
        open_engine(tmp_path / 'model.pth', CPU)


@pytest.mark.parametrize(
    ('ending', 'package', 'extra'),
    [
        ('.onnx', 'onnx', 'export'),
        ('.onnx', 'onnxruntime', 'export'),
        ('.xml', 'openvino', 'openvino'),
    ],
)
def test_a_missing_package_is_named_with_its_extra(ending, package, extra, tmp_path, monkeypatch):
    path = write(tmp_path / f'file{ending}', PLAIN)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"pip install 'vitpose_plus\[{extra}\]'"):
        open_engine(path, CPU)


def test_the_table_has_one_class_for_each_ending():
    assert {ending: engine.ending for ending, engine in ENGINES.items()} == dict(
        zip(ENGINES, ENGINES, strict=True)
    )
    assert KEY == 'vitpose_plus'
