"""The patches for other packages fix faults, change nothing that works, and stay safe."""

import importlib
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.utils.dl_utils import mmcv_full_available

from tests.helpers.pickles import Call
from tests.helpers.processes import environment
from vitpose_plus import compat

uncompiled = pytest.mark.skipif(mmcv_full_available(), reason='mmcv is compiled here')


def python(code):
    """Runs ``code`` in a new process."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        env=environment(),
        capture_output=True,
        text=True,
    )


def hide(monkeypatch, name, spec=None):
    """Makes ``find_spec(name)`` return ``spec``; None means that the module does not exist."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda n, *args: spec if n == name else real(n, *args)
    )


# mmcv's operators


@uncompiled
def test_nms_equals_that_of_torchvision():
    from mmcv.ops import nms
    from torchvision.ops import nms as expected

    corner, size, scores = torch.rand(200, 2), torch.rand(200, 2), torch.rand(200)
    boxes = torch.cat([corner, corner + size], dim=1)
    kept, index = nms(boxes, scores, 0.5)
    assert torch.equal(index, expected(boxes, scores, 0.5))
    assert torch.equal(kept, torch.cat([boxes, scores[:, None]], dim=1)[index])


@uncompiled
@pytest.mark.parametrize(('offset', 'overlap'), [(0, 36 / 126), (1, 50 / 150)])
def test_nms_with_offset_1_counts_the_last_pixel(offset, overlap):
    """The boxes are 9 x 9 and 5 apart; with the last pixel, they are 10 x 10."""
    from mmcv.ops import nms

    boxes, scores = torch.tensor([[0.0, 0, 9, 9], [0, 5, 9, 14]]), torch.tensor([0.9, 0.8])
    assert len(nms(boxes, scores, overlap - 0.001, offset=offset)[1]) == 1
    assert len(nms(boxes, scores, overlap + 0.001, offset=offset)[1]) == 2
    assert boxes[0, 2] == 9


@uncompiled
def test_another_operator_raises_an_error_that_names_the_compiled_mmcv():
    from mmcv.ops import soft_nms

    with pytest.raises(NotImplementedError, match=r'mmcv\.ops\.softnms needs the compiled mmcv'):
        soft_nms(torch.rand(2, 4), torch.rand(2))


def test_a_compiled_mmcv_is_not_changed(monkeypatch):
    hide(monkeypatch, 'mmcv._ext', spec='compiled')
    monkeypatch.delitem(sys.modules, 'mmcv.ops')
    before = dict(sys.modules)
    compat.provide_mmcv_ops()
    assert sys.modules == before


def test_the_replacement_of_the_operators_is_removed_even_if_the_import_fails(monkeypatch):
    def fail(name):
        assert isinstance(sys.modules['mmcv._ext'], compat.UncompiledOps)
        raise RuntimeError(name)

    hide(monkeypatch, 'mmcv._ext')
    monkeypatch.setattr(importlib, 'import_module', fail)
    with pytest.raises(RuntimeError, match=r'mmcv\.ops'):
        compat.provide_mmcv_ops()
    assert 'mmcv._ext' not in sys.modules


# Checkpoints


DTYPES = ['?', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', 'f2', 'f4', 'f8']


@pytest.mark.parametrize('spelling', [b'numpy.core', b'numpy._core'])
def test_mmengine_s_checkpoint_loads_with_weights_only(spelling, tmp_path):
    """Log buffers, NumPy scalars and arrays, under the names of NumPy 1 and of NumPy 2."""
    loss = HistoryBuffer()
    for value in (0.5, 0.25):
        loss.update(value)
    scalars = {code: np.dtype(code).type(1) for code in DTYPES}
    arrays = {code: np.arange(6).reshape(2, 3).astype(code) for code in DTYPES}
    file = tmp_path / 'epoch_1.pth'
    torch.save(
        dict(weight=torch.arange(3.0), loss=loss, scalars=scalars, arrays=arrays),
        file,
        _use_new_zipfile_serialization=False,  # a plain pickle, in which names can be replaced
    )
    data, count = re.subn(rb'numpy\.(_core|core)\b', spelling, file.read_bytes())
    assert count > 0
    file.write_bytes(data)

    loaded = torch.load(file, weights_only=True)
    assert loaded['weight'].tolist() == [0, 1, 2]
    assert loaded['loss'].mean() == 0.375
    assert loaded['loss'].statistics('min') == 0.25
    for code in DTYPES:
        assert loaded['scalars'][code] == scalars[code]
        assert loaded['scalars'][code].dtype == code
        np.testing.assert_array_equal(loaded['arrays'][code], arrays[code])
        assert loaded['arrays'][code].dtype == code


def test_an_array_without_elements_is_loaded(tmp_path):
    """A dataset without a skeleton stores an empty array in the checkpoints of its training."""
    given = dict(skeleton=np.empty((0, 2), int), sigmas=np.ones(3))
    torch.save(given, tmp_path / 'epoch_1.pth')
    loaded = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)
    assert (loaded['skeleton'].shape, loaded['skeleton'].dtype) == ((0, 2), int)
    torch.save(Call(bytes, 2**40), tmp_path / 'huge.pth')
    with pytest.raises(TypeError, match='takes 0 positional arguments'):
        torch.load(tmp_path / 'huge.pth', weights_only=True)


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize(
    'call',
    [
        lambda path: Call(os.mkdir, path),
        lambda path: Call(eval, f'__import__("os").mkdir({path!r})'),
        lambda path: Call(np.save, path, np.zeros(1)),
    ],
    ids=['mkdir', 'eval', 'save'],
)
def test_a_checkpoint_that_runs_code_is_refused_and_does_not_run_it(call, zipped, tmp_path):
    file, victim = tmp_path / 'weights.pth', tmp_path / 'victim.npy'
    torch.save(call(str(victim)), file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(pickle.UnpicklingError, match='Weights only load failed'):
        torch.load(file, weights_only=True)
    assert not victim.exists()
    torch.load(file, weights_only=False)  # without protection, the code runs
    assert victim.exists()


@pytest.mark.parametrize(
    ('owner', 'name'),
    [(HistoryBuffer, '__init__'), (HistoryBuffer, 'update'), (np.ndarray, 'tofile')],
)
def test_a_checkpoint_cannot_read_other_attributes(owner, name, tmp_path):
    torch.save(Call(getattr, owner, name), tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match=f"refused: the checkpoint uses attribute '{name}'"):
        torch.load(tmp_path / 'weights.pth', weights_only=True)


@pytest.mark.parametrize(
    ('owner', 'name'),
    [(os, 'system'), (HistoryBuffer.mean, '__globals__'), (HistoryBuffer(), 'mean')],
)
def test_attributes_of_other_objects_are_refused(owner, name):
    with pytest.raises(ValueError, match='which no mmengine checkpoint does; it is not loaded'):
        compat.history_statistic(owner, name)


@pytest.mark.parametrize('name', ['min', 'max', 'current', 'mean'])
def test_the_statistics_of_the_log_buffer_are_allowed(name):
    assert compat.history_statistic(HistoryBuffer, name) is getattr(HistoryBuffer, name)


def test_the_unprotected_second_load_of_onedl_mmengine_is_disabled(monkeypatch):
    from mmengine.runner import checkpoint

    monkeypatch.setattr(checkpoint, '_safe_torch_load', print, raising=False)
    compat.refuse_unsafe_fallback()
    assert checkpoint._safe_torch_load is torch.load


# Required packages


@pytest.mark.parametrize('name', compat.REQUIRED)
def test_a_missing_package_is_reported_in_one_sentence(name, monkeypatch):
    hide(monkeypatch, name)
    with pytest.raises(ImportError) as error:
        compat.require_stack()
    sentence = str(error.value)
    assert sentence.startswith(f'vitpose_plus needs {name} ({compat.REQUIRED[name]}), which is not')
    assert "pip install 'vitpose_plus[lite]'" in sentence
    assert '\n' not in sentence


@pytest.mark.parametrize('name', ['mmdet', 'torch'])
def test_a_missing_package_is_named_when_vitpose_plus_is_imported(name):
    child = python(f'import sys; sys.modules[{name!r}] = None; import vitpose_plus')
    assert child.returncode == 1
    last = child.stderr.strip().splitlines()[-1]
    assert last.startswith(f'ImportError: vitpose_plus needs {name} (')


def test_setuptools_without_pkg_resources_is_reported_in_one_sentence(monkeypatch):
    hide(monkeypatch, 'pkg_resources')
    monkeypatch.setattr('mmengine.utils.package_utils.get_installed_path', path_from_pkg_resources)
    with pytest.raises(ImportError, match=r"needs pkg_resources.* run pip install 'setuptools<81'"):
        compat.require_stack()


def test_pkg_resources_is_not_required_if_it_is_not_used(monkeypatch):
    hide(monkeypatch, 'pkg_resources')
    monkeypatch.setattr('mmengine.utils.package_utils.get_installed_path', lambda package: '')
    compat.require_stack()


def path_from_pkg_resources(package):
    import pkg_resources

    return pkg_resources.get_distribution(package).location


# Distributed


@pytest.fixture
def without_devices(monkeypatch):
    for kind in ('cuda', 'mlu', 'npu'):
        monkeypatch.setattr(f'mmengine.device.is_{kind}_available', lambda: False)


STARTS = {
    'pytorch': dict(RANK='1', LOCAL_RANK='1'),
    'slurm': dict(SLURM_PROCID='1', SLURM_LOCALID='1', SLURM_NTASKS='2', SLURM_NODELIST='here'),
}


@pytest.mark.parametrize('launcher', STARTS)
def test_process_groups_start_on_the_cpu_even_if_patched_twice(
    launcher, monkeypatch, without_devices
):
    from mmengine.dist import utils

    calls = []
    monkeypatch.setattr(torch.distributed, 'init_process_group', lambda **kw: calls.append(kw))
    monkeypatch.setattr(torch.cuda, 'set_device', None)  # restored later
    monkeypatch.setattr('os.environ', STARTS[launcher] | dict(MASTER_ADDR='localhost'))
    start = f'_init_dist_{launcher}'
    monkeypatch.setattr(utils, start, getattr(utils, start))  # restored later
    for _ in range(2):
        compat.patch_distributed_without_cuda()
    getattr(utils, start)('nccl', init_backend='torch')
    assert calls == [dict(backend='gloo')]
    assert torch.cuda.set_device is None


@pytest.mark.parametrize('kind', ['cuda', 'mlu', 'npu'])
def test_nothing_is_patched_if_there_is_a_device(kind, monkeypatch, without_devices):
    from mmengine.dist import utils

    def original():
        pass

    monkeypatch.setattr(f'mmengine.device.is_{kind}_available', lambda: True)
    monkeypatch.setattr(utils, '_init_dist_pytorch', original)
    compat.patch_distributed_without_cuda()
    assert utils._init_dist_pytorch is original


# Configs


def test_a_config_is_formatted_again_only_if_it_has_changed(monkeypatch, tiny_config):
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    calls = []

    def format_code(text, **kwargs):
        calls.append(text)
        return text, True

    for module in (yapf_api, config):
        if hasattr(module, 'FormatCode'):
            monkeypatch.setattr(module, 'FormatCode', format_code)
    compat.format_configs_once.__wrapped__()
    text = tiny_config.pretty_text
    assert tiny_config.pretty_text == text
    assert len(calls) == 1
    tiny_config.work_dir = 'elsewhere'
    assert 'elsewhere' in tiny_config.pretty_text
    assert len(calls) == 2


def test_circles_are_drawn_with_a_radius_in_an_array():
    """mmpose's visualizer passes such an array, which NumPy 2.4 no longer converts to a number."""
    from mmpose.visualization import PoseLocalVisualizer

    visualizer = PoseLocalVisualizer()
    visualizer.set_image(np.zeros((9, 9, 3), np.uint8))
    visualizer.draw_circles(np.array([4, 4]), radius=np.array([2]), face_colors=(255, 0, 0))
    drawn = visualizer.get_image()[..., 0] > 0
    assert drawn[4, 2:7].all()
    assert not drawn[4, :2].any()


def test_drawing_is_not_patched_if_numpy_converts_an_array_to_a_number(monkeypatch):
    from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

    before = OpencvBackendVisualizer.draw_circles
    monkeypatch.setattr(np, 'ones', lambda shape: np.float64(1))
    compat.patch_circle_radius()
    assert OpencvBackendVisualizer.draw_circles is before


def test_keypoints_keep_their_partners_and_colours_in_a_dumped_config(tmp_path):
    """mmengine sorts the keys 0 to 11 as texts; a training folder has such a config."""
    from vitpose_plus.datasets.multi_dataset import unread

    swap = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]
    info = {i: dict(name=f'k{i}', id=i, swap=f'k{swap[i]}', color=[i, 0, 0]) for i in range(12)}
    links = {i: dict(link=(f'k{i}', 'k0'), id=i, color=[0, i, 0]) for i in range(12)}
    shared = dict(dataset_name='twelve', joint_weights=[1.0] * 12, sigmas=[0.1] * 12)
    metainfo = dict(shared, keypoint_info=info, skeleton_info=links)
    given = Config(dict(dataset=dict(type='BaseCocoStyleDataset', metainfo=metainfo)))
    given.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    assert list(dumped.dataset.metainfo.keypoint_info)[:3] == [0, 1, 10]  # else: no shim is needed
    parsed = unread(dumped.dataset).metainfo
    assert parsed['flip_indices'] == swap
    assert parsed['keypoint_colors'][:, 0].tolist() == list(range(12))
    assert parsed['skeleton_links'] == [(i, 0) for i in range(12)]
    assert parsed['skeleton_link_colors'][:, 1].tolist() == list(range(12))
