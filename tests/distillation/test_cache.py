"""What a cache of heatmaps gives back, and what it refuses; without a teacher."""

import json

import numpy as np
import pytest
import torch
from mmpose.structures import PoseDataSample

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
    """Of rows (dataset, id): random crops, and random heatmaps in float16."""
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


def test_names_that_leave_the_folder_are_refused_before_anything_is_opened(
    batch, tmp_path, monkeypatch
):
    """The files they name are there, and would be read."""
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
        message = r"^The dataset '.*x' of the cache .*cache has a path for a name: give it a name"
        with pytest.raises(UserError, match=message):
            HeatmapCache(tmp_path / 'cache')
    assert not opened


def test_names_that_leave_the_folder_are_not_written(tmp_path):
    for name in ('../x', 'a/x', str(tmp_path / 'x')):
        with pytest.raises(UserError, match=r'has a path for a name: give it a name without sep'):
            write_cache(tmp_path / 'cache', ABOUT, {'coco': 1, name: 1}, [])
    assert not list(tmp_path.iterdir())


def test_arrays_that_do_not_belong_together_are_no_cache(batch, tmp_path):
    for array in (np.zeros((2, 17, 8, 6), np.float16), np.zeros(3, np.float16)):
        np.save(tmp_path / 'cache/coco.npy', array)
        with pytest.raises(UserError, match=r'is no cache of heatmaps, or not whole \(ValueError'):
            HeatmapCache(tmp_path / 'cache')
