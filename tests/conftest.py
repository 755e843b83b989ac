"""What many tests share: drawn figures, a tiny config on them, ready-made samples."""

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


@pytest.fixture(scope='session', autouse=True)
def _quick_collection():
    """mmengine collects garbage whenever it loads annotations: a third of a second each time with
    the stack's own objects, which are left out here."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope='session', autouse=True)
def _plain_dumps():
    """yapf lays a dumped config out anew, for seconds each: here it stays one line a section."""
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    for module in (yapf_api, config):
        module.FormatCode = lambda text, **kwargs: (text, True)


@pytest.fixture(scope='session', autouse=True)
def _cache(tmp_path_factory):
    """What the commands remember stays out of the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(autouse=True)
def _calm():
    """Every test starts from the same seed, in mmpose's scope, on one thread (tests run in two
    processes)."""
    torch.manual_seed(0)
    np.random.seed(0)  # augmentation's
    torch.set_num_threads(1)
    init_default_scope('mmpose')


@pytest.fixture(scope='session')
def figures(tmp_path_factory):
    """A folder with the six datasets as a few drawn figures."""
    root = tmp_path_factory.mktemp('figures')
    write_figures(root, num_train=6, num_val=3)
    return root


@pytest.fixture
def workplace(figures, tmp_path, monkeypatch):
    """An empty working folder in which the demo's config finds the figures."""
    (tmp_path / 'work_dirs' / 'demo').mkdir(parents=True)
    (tmp_path / 'work_dirs' / 'demo' / 'figures').symlink_to(figures)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_config(workplace):
    """The demo's config, in single-process loaders."""
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=16)
    return cfg


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder, its address, and what was asked for there; downloads go to ``torch_home``."""
    folder = tmp_path / 'served'
    folder.mkdir()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    monkeypatch.setenv('NO_PROXY', '*')
    with serving(folder) as (address, asked):
        yield folder, address, asked


@pytest.fixture(scope='session')
def tree(tmp_path_factory):
    """A copy of the working tree to build from, so that the tree itself stays clean."""
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
    """The wheel, installed into a folder of its own."""
    target = tmp_path_factory.mktemp('installed')
    pip = ['pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', target, wheel]
    run(sys.executable, '-m', *pip)
    return target


@pytest.fixture
def new_environment(wheel, tmp_path):
    """Installs the wheel as the README says: (extra, constraints) -> the folder of commands."""

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
    shutil.rmtree(tmp_path / 'venv', ignore_errors=True)  # gigabytes


@pytest.fixture
def constraints():
    """The lines of requirements/constraints.txt."""
    return (ROOT / 'requirements' / 'constraints.txt').read_text().splitlines()


@pytest.fixture(scope='session')
def sample_data(tmp_path_factory):
    """The real sample pictures of VITPOSE_SAMPLES, under the folders and names of the datasets."""
    samples = os.environ.get('VITPOSE_SAMPLES')
    if not samples:
        pytest.skip('VITPOSE_SAMPLES names no folder of sample pictures (`.ci/run` sets it)')
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
    # What MPII's metric scales its threshold by, from upper neck (8) and head top (9).
    people = json.loads((samples / 'mpii' / 'test_mpii.json').read_text())
    joints = np.array([person['joints'] for person in people])
    boxes = {'headboxes_src': joints[:, [8, 9]].transpose(1, 2, 0)}  # (2, 2, N)
    savemat(root / 'mpii/annotations/mpii_gt_val.mat', boxes)
    return root


@pytest.fixture(scope='session')
def golden():
    """The authors' numbers: ``golden(name) -> (arrays, meta)``, or what a JSON file holds.

    From ``tests/golden/data``; ``VITPOSE_GOLDEN`` names another folder.
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
        '--parity', action='store_true', help='print the largest difference each test has seen'
    )


def pytest_collection_modifyitems(items):
    """Those that fork come first: in a child of a process with threads autograd does not work."""
    items.sort(key=lambda item: item.get_closest_marker('forks') is None)


DIFFERENCES = pytest.StashKey[dict]()


def in_double(values):
    """What is compared, as a tensor; numbers of Python are not rounded to single precision."""
    values = values.detach() if isinstance(values, torch.Tensor) else np.asarray(values)
    return torch.as_tensor(values).double()


@pytest.fixture(autouse=True)
def _parity(request, monkeypatch):
    """With ``--parity``: notes what the comparisons of a test compare (docs/parity.md)."""
    if not request.config.getoption('--parity'):
        return
    seen = request.config.stash.setdefault(DIFFERENCES, {})
    name = request.node.nodeid.split('::', 1)[1]

    def noting(compare):
        def compare_and_note(actual, expected, *args, **kwargs):
            several = isinstance(expected, tuple) and isinstance(expected[0], torch.Tensor)
            for pair in zip(actual, expected, strict=True) if several else [(actual, expected)]:
                a, b = (in_double(v) for v in pair)
                apart, bound = (a - b).abs(), f'{kwargs.get("atol", 0):g}'
                if not kwargs.get('atol'):
                    apart = apart / b.abs().clamp(min=1e-30)
                    bound = f'{kwargs.get("rtol", 1e-7):g} relative'
                largest = apart.max().item() if apart.numel() else 0.0
                seen.setdefault((name, bound), []).append(largest)
            return compare(actual, expected, *args, **kwargs)

        return compare_and_note

    for module, function in ((np.testing, 'assert_allclose'), (torch.testing, 'assert_close')):
        monkeypatch.setattr(module, function, noting(getattr(module, function)))


def pytest_terminal_summary(terminalreporter, config):
    for (name, bound), apart in sorted(config.stash.get(DIFFERENCES, {}).items()):
        terminalreporter.write_line(f'{name:<90} {max(apart):9.2g} (allowed {bound})')
