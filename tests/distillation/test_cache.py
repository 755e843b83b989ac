"""A cache of heatmaps returns what was written, and refuses changed samples; without a teacher."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from mmpose.structures import PoseDataSample
from torch.utils._python_dispatch import TorchDispatchMode

from vitpose_plus.distillation.cache import Batch, HeatmapCache, write_cache
from vitpose_plus.errors import UserError

ABOUT = dict(teacher='it', sha256='0')
KEYPOINTS = dict(coco=17, mpii=16)


def sample_of(name, number):
    sample = PoseDataSample()
    sample.set_field(name, 'dataset_name', field_type='metainfo')
    sample.set_field(number, 'id', field_type='metainfo')
    return sample


def batch_of(rows, seed=0):
    """A batch of rows (dataset, id): random crops, and random heatmaps in float16."""
    generator = torch.Generator().manual_seed(seed)
    samples = [sample_of(*row) for row in rows]
    heatmaps = [torch.rand(KEYPOINTS[name], 8, 6, generator=generator).half() for name, _ in rows]
    return Batch(torch.randn(len(rows), 3, 32, 24, generator=generator), samples, heatmaps)


ROWS = [('coco', 7), ('mpii', 7), ('coco', 3), ('coco', 5), ('mpii', 1)]


@pytest.fixture
def batch(tmp_path):
    batch = batch_of(ROWS)
    write_cache(tmp_path / 'cache', ABOUT, dict(coco=3, mpii=2), [batch])
    return batch


def test_what_is_written_is_read_in_any_order_and_type(batch, tmp_path):
    """Datasets are mixed, and each is copied at once. Heatmaps are float16: nothing is rounded."""
    cache = HeatmapCache(tmp_path / 'cache')
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 1], [3]):
        samples = [batch.data_samples[i] for i in order]
        for dtype in (torch.float32, torch.float64):
            found = cache.look_up(batch.inputs[order].to(dtype), samples)
            assert len(found) == len(order)
            for heatmap, i in zip(found, order, strict=True):
                assert heatmap.dtype == dtype
                assert torch.equal(heatmap, batch.heatmaps[i].to(dtype))


class Counting(TorchDispatchMode):
    """Counts how often a number is read from the device, and how often tensors are moved."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls[function.overloadpacket.__name__] += 1
        return function(*args, **(kwargs or {}))


def test_a_batch_reads_one_number_from_the_device_and_copies_once_per_dataset(batch, tmp_path):
    cache = HeatmapCache(tmp_path / 'cache')
    with Counting() as counting:
        cache.look_up(batch.inputs, batch.data_samples)
    assert counting.calls['_local_scalar_dense'] == 1
    assert counting.calls['_to_copy'] == 2  # to float32; on the CPU nothing is moved


def changed(inputs, place, by):
    inputs = inputs.clone()
    inputs[place, 1, 20:24, 12:16] += by  # a field of the thumbnail
    return inputs


def test_the_first_changed_sample_is_named(batch, tmp_path):
    cache = HeatmapCache(tmp_path / 'cache')
    cache.look_up(changed(batch.inputs, 2, 0.019), batch.data_samples)
    for by in (0.021, -0.021, float('nan')):
        inputs = changed(changed(batch.inputs, 2, by), 4, 1.0)
        with pytest.raises(UserError, match='has heatmaps of another crop of coco 3: train with'):
            cache.look_up(inputs, batch.data_samples)
    samples = [*batch.data_samples[:3], sample_of('coco', -1), batch.data_samples[4]]
    with pytest.raises(UserError, match='has no heatmaps of coco -1: write it again from the tr'):
        cache.look_up(changed(batch.inputs, 4, 1.0), samples)
    with pytest.raises(UserError, match='has heatmaps of another crop of coco 3: train with'):
        cache.look_up(changed(batch.inputs, 2, 1.0), samples)


def test_a_cache_of_the_first_version_is_read(batch, tmp_path):
    """The arrays are written as the first version wrote them, without ``write_cache``."""
    old = tmp_path / 'old'
    old.mkdir()
    coco = [0, 2, 3]
    np.save(old / 'coco.npy', np.stack([batch.heatmaps[i].numpy() for i in coco]))
    fields = batch.inputs[coco].unflatten(2, (8, 4)).unflatten(4, (6, 4)).mean((3, 5))
    np.savez(old / 'coco.npz', ids=[7, 3, 5], thumbnails=fields.flatten(1).numpy())
    (old / 'teacher.json').write_text(json.dumps(dict(ABOUT, datasets=['coco'])))
    samples = [batch.data_samples[i] for i in coco]
    found = HeatmapCache(old).look_up(batch.inputs[coco], samples)
    for heatmap, i in zip(found, coco, strict=True):
        assert torch.equal(heatmap, batch.heatmaps[i].float())


def test_names_that_leave_the_folder_are_refused_before_anything_is_opened(
    batch, tmp_path, monkeypatch
):
    """The files with these names exist and could be read."""
    for suffix in ('npy', 'npz'):
        (tmp_path / f'x.{suffix}').write_bytes((tmp_path / f'cache/coco.{suffix}').read_bytes())
    (tmp_path / 'cache' / 'deeper').mkdir()
    (tmp_path / 'cache/teacher.json').write_text(json.dumps(dict(ABOUT, datasets=['coco'])))
    assert HeatmapCache(tmp_path / 'cache').datasets == dict(coco=17)
    opened = []
    monkeypatch.setattr(np, 'load', lambda *args, **kwargs: opened.append(args))
    for name in ('../x', 'deeper/../../x', str(tmp_path / 'x'), 'deeper/x'):
        about = json.dumps(dict(ABOUT, datasets=['coco', name]))
        (tmp_path / 'cache/teacher.json').write_text(about)
        message = r"^The dataset '.*x' of the cache .*cache has a path as its name: give it a name"
        with pytest.raises(UserError, match=message):
            HeatmapCache(tmp_path / 'cache')
    assert not opened


def test_names_that_leave_the_folder_are_not_written(tmp_path):
    for name in ('../x', 'a/x', str(tmp_path / 'x')):
        with pytest.raises(UserError, match=r'has a path as its name: give it a name without sep'):
            write_cache(tmp_path / 'cache', ABOUT, {'coco': 1, name: 1}, [])
    assert not list(tmp_path.iterdir())


def test_arrays_of_different_lengths_are_refused(batch, tmp_path):
    for array in (np.zeros((2, 17, 8, 6), np.float16), np.zeros(3, np.float16)):
        np.save(tmp_path / 'cache/coco.npy', array)
        with pytest.raises(
            UserError, match=r'is no cache of heatmaps, or not complete \(ValueError'
        ):
            HeatmapCache(tmp_path / 'cache')
