"""Fixtures for many tests: synthetic figures, a tiny config, the built wheel, sample pictures."""

import functools
import gc
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from scipy.io import savemat

import vitpose_plus  # noqa: F401  the compatibility shims come first
from tests.helpers.demo import ROOT, TINY
from tests.helpers.processes import environment, run
from tests.helpers.serving import serving
from vitpose_plus.datasets.figures import write_figures
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.inference import precisions


@pytest.fixture(scope='session', autouse=True)
def _fast_garbage_collection():
    """mmengine collects garbage whenever it loads annotations. Without the objects that exist now,
    each collection is faster by a third of a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope='session', autouse=True)
def _unformatted_dumps():
    """Leaves dumped configs unformatted, because yapf takes seconds to format one."""
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    for module in (yapf_api, config):
        module.FormatCode = lambda text, **kwargs: (text, True)


@pytest.fixture(scope='session', autouse=True)
def _cache(tmp_path_factory):
    """Commands write their cache into a temporary folder, not into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(autouse=True)
def _same_start():
    """Every test starts with the same seeds, in mmpose's scope, on one thread (the tests run in two
    processes)."""
    torch.manual_seed(0)
    np.random.seed(0)  # used by the augmentation
    torch.set_num_threads(1)
    init_default_scope('mmpose')


@pytest.fixture(scope='session', autouse=True)
def _same_precision():
    """``auto`` is fp32 on every processor, so that the results of the tests do not depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precisions, 'computes_bf16', lambda device: False)
        yield


@pytest.fixture(scope='session')
def figures(tmp_path_factory):
    """A folder with a few synthetic figures of each of the six datasets."""
    root = tmp_path_factory.mktemp('figures')
    write_figures(root, num_train=6, num_val=3)
    return root


@pytest.fixture
def workplace(figures, tmp_path, monkeypatch):
    """A working folder with the figures in the place from which the demo's config reads them."""
    (tmp_path / 'work_dirs' / 'demo').mkdir(parents=True)
    (tmp_path / 'work_dirs' / 'demo' / 'figures').symlink_to(figures)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_config(workplace):
    """The demo's config, with data loaders that start no worker processes."""
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=16)
    return cfg


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder, its URL, and the list of requested paths; downloads go to ``torch_home``."""
    folder = tmp_path / 'served'
    folder.mkdir()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    monkeypatch.setenv('NO_PROXY', '*')
    with serving(folder) as (address, asked):
        yield folder, address, asked


@pytest.fixture(scope='session')
def tree(tmp_path_factory):
    """A copy of the working tree. The wheel is built there, so that the tree itself stays clean."""
    tree = tmp_path_factory.mktemp('build') / 'tree'
    skip = ('.git', '.venv', '.*_cache', 'work_dirs', 'data', 'build', 'dist', '*.egg-info')
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*skip))
    return tree


@pytest.fixture(scope='session')
def wheel(tree):
    pip = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-build-isolation']
    run(*pip, '--wheel-dir', tree.parent / 'out', tree)
    [file] = (tree.parent / 'out').iterdir()
    return file


@pytest.fixture(scope='session')
def installed(wheel, tmp_path_factory):
    """A separate folder into which the wheel is installed."""
    target = tmp_path_factory.mktemp('installed')
    pip = ['pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', target, wheel]
    run(sys.executable, '-m', *pip)
    return target


@pytest.fixture
def new_environment(wheel, tmp_path):
    """Installs the wheel as in the README: (extra, constraints) -> folder of the commands."""

    def install(extra, constraints):
        file = tmp_path / 'constraints.txt'
        file.write_text('\n'.join(constraints))
        run(sys.executable, '-m', 'venv', tmp_path / 'venv')
        bin_dir = tmp_path / 'venv' / 'bin'
        pip = [bin_dir / 'python', '-m', 'pip', 'install', '--quiet', '--constraint', file]
        here = dict(env=environment(PYTHONPATH=''))
        run(*pip, 'pip', 'setuptools', 'wheel', 'Cython', 'numpy', **here)
        options = ['--no-build-isolation', '--no-binary', 'xtcocotools']
        run(*pip, *options, f'{wheel}[{extra}]', **here)
        run(bin_dir / 'python', '-m', 'pip', 'check', **here)
        return bin_dir

    yield install
    shutil.rmtree(tmp_path / 'venv', ignore_errors=True)  # gigabytes of packages


@pytest.fixture
def constraints():
    """The lines of requirements/constraints.txt."""
    return (ROOT / 'requirements' / 'constraints.txt').read_text().splitlines()


@pytest.fixture(scope='session')
def sample_data(tmp_path_factory):
    """Links to the pictures in VITPOSE_SAMPLES, with the folders and names of the datasets."""
    samples = os.environ.get('VITPOSE_SAMPLES')
    if not samples:
        pytest.skip('VITPOSE_SAMPLES is not set: set it to the folder of the sample pictures')
    samples = Path(samples)
    root = tmp_path_factory.mktemp('data')
    coco, aic, animals, crowd = (samples / n for n in ('coco', 'aic', 'ap10k', 'crowdpose'))
    hands = samples / 'interhand2.6m' / 'test_interhand2.6m'
    links = {
        'aic/ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902': aic,
        'aic/ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911': aic,
        'mpii/images': samples / 'mpii',
        'ap10k/data': animals,
        'ap10k/annotations/ap10k-test-split1.json': animals / 'test_ap10k.json',
        'crowdpose/images': crowd,
        'crowdpose/annotations/mmpose_crowdpose_trainval.json': crowd / 'test_crowdpose.json',
        'crowdpose/annotations/mmpose_crowdpose_test.json': crowd / 'test_crowdpose.json',
        'crowdpose/annotations/det_for_crowd_test_0.1_0.5.json': (
            crowd / 'test_crowdpose_det_AP_40.json'
        ),
        'ochuman/images': samples / 'ochuman',
        'coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json': (
            coco / 'test_coco_det_AP_H_56.json'
        ),
    }
    for split in ('train', 'val'):
        links |= {
            f'coco/{split}2017': coco,
            f'coco/annotations/person_keypoints_{split}2017.json': coco / 'test_coco.json',
            f'coco/annotations/coco_wholebody_{split}_v1.0.json': coco / 'test_coco_wholebody.json',
            f'aic/annotations/aic_{split}.json': aic / 'test_aic.json',
            f'mpii/annotations/mpii_{split}.json': samples / 'mpii' / 'test_mpii.json',
            f'ap10k/annotations/ap10k-{split}-split1.json': animals / 'test_ap10k.json',
            f'apt36k/annotations/{split}_annotations_1.json': animals / 'test_ap10k.json',
        }
    for split in ('val', 'test'):
        name = f'ochuman/annotations/ochuman_coco_format_{split}_range_0.00_1.00.json'
        links[name] = samples / 'ochuman' / 'test_ochuman.json'
    for split, folder in dict(train='all', val='machine_annot', test='all').items():
        for kind in ('data', 'camera', 'joint_3d'):
            name = f'interhand2.6m/annotations/{folder}/InterHand2.6M_{split}_{kind}.json'
            links[name] = Path(f'{hands}_{kind}.json')
        links[f'interhand2.6m/images/{split}'] = hands.parent
    links |= {f'apt36k/{image.name}': image for image in animals.glob('*.jpg')}
    for link, target in links.items():
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(target)
    # MPII's metric scales its threshold by the head box, from upper neck (8) to head top (9).
    people = json.loads((samples / 'mpii' / 'test_mpii.json').read_text())
    joints = np.array([person['joints'] for person in people])
    boxes = {'headboxes_src': joints[:, [8, 9]].transpose(1, 2, 0)}  # (2, 2, N)
    savemat(root / 'mpii/annotations/mpii_gt_val.mat', boxes)
    return root


@pytest.fixture(scope='session')
def golden():
    """Numbers of the authors' code: ``golden(name)`` returns (arrays, meta), or reads a JSON file.

    The files are in ``tests/golden/data``, or in the folder ``VITPOSE_GOLDEN``.
    """
    folder = Path(os.environ.get('VITPOSE_GOLDEN') or ROOT / 'tests' / 'golden' / 'data')

    @functools.cache
    def load(name):
        path = folder / name
        if path.suffix == '.json':
            return json.loads(path.read_text())
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return arrays, json.loads(str(arrays.pop('meta')))

    return load


def pytest_addoption(parser):
    parser.addoption(
        '--parity', action='store_true', help='print the largest difference in each test'
    )


def pytest_collection_modifyitems(items):
    """Runs tests that fork first: autograd does not work in a fork of a process with threads."""
    items.sort(key=lambda item: item.get_closest_marker('forks') is None)


DIFFERENCES = pytest.StashKey[dict]()


def in_double(values):
    """Converts to a tensor of double precision, so that Python's numbers are not rounded."""
    values = values.detach() if isinstance(values, torch.Tensor) else np.asarray(values)
    return torch.as_tensor(values).double()


@pytest.fixture(autouse=True)
def _parity(request, monkeypatch):
    """With ``--parity``: records the differences in the comparisons of a test (docs/parity.md)."""
    if not request.config.getoption('--parity'):
        return
    recorded = request.config.stash.setdefault(DIFFERENCES, {})
    name = request.node.nodeid.split('::', 1)[1]

    def recording(compare):
        def compare_and_record(actual, expected, *args, **kwargs):
            several = isinstance(expected, tuple) and isinstance(expected[0], torch.Tensor)
            for pair in zip(actual, expected, strict=True) if several else [(actual, expected)]:
                a, b = (in_double(v) for v in pair)
                difference, bound = (a - b).abs(), f'{kwargs.get("atol", 0):g}'
                if not kwargs.get('atol'):
                    difference = difference / b.abs().clamp(min=1e-30)
                    bound = f'{kwargs.get("rtol", 1e-7):g} relative'
                largest = difference.max().item() if difference.numel() else 0.0
                recorded.setdefault((name, bound), []).append(largest)
            return compare(actual, expected, *args, **kwargs)

        return compare_and_record

    for module, function in ((np.testing, 'assert_allclose'), (torch.testing, 'assert_close')):
        monkeypatch.setattr(module, function, recording(getattr(module, function)))


def pytest_terminal_summary(terminalreporter, config):
    for (name, bound), differences in sorted(config.stash.get(DIFFERENCES, {}).items()):
        terminalreporter.write_line(f'{name:<90} {max(differences):9.2g} (allowed {bound})')
