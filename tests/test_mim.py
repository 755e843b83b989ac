"""The content of the wheel, and its use with mim, with mmpose's scripts and with python -m."""

import json
import os
import sys
import tarfile
from pathlib import Path

import pytest
import torch

from tests.helpers.demo import ROOT, TINY, TWO_ITERATIONS
from tests.helpers.processes import HELPERS, environment, run
from tests.helpers.tiny_figures import FILE
from vitpose_plus.experiments.catalogue import shipped_configs

DATASETS = {'coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody'}
TRAIN = ['--no-validate', '--cfg-options', *TWO_ITERATIONS]


def test_mim_finds_every_config_by_its_name(installed):
    """``mim train vitpose_plus NAME`` needs exactly one file of that name."""
    from mim.utils import recursively_find

    root = str(installed / 'vitpose_plus')
    found = {n: recursively_find(root, f'{n}.py', followlinks=True) for n in shipped_configs()}
    assert {name: len(files) for name, files in found.items()} == dict.fromkeys(found, 1)


@pytest.fixture(scope='module')
def python(installed, figures, tmp_path_factory):
    """Runs ``python -m`` with the installed wheel, in a folder with figures; returns the folder."""
    place = tmp_path_factory.mktemp('place')
    (place / 'work_dirs' / 'demo').mkdir(parents=True)
    (place / 'work_dirs' / 'demo' / 'figures').symlink_to(figures)
    # The checkout is not on the path, so that Python imports the wheel.
    path = os.pathsep.join([str(installed), HELPERS])
    env = environment(PYTHONPATH=path, CUDA_VISIBLE_DEVICES='')

    def python(*arguments):
        run(sys.executable, '-m', *arguments, cwd=place, env=env)
        return place

    return python


@pytest.fixture(scope='module')
def trained(python):
    """The checkpoint of ``python -m vitpose_plus train`` with only the name of a config."""
    place = python('vitpose_plus', 'train', TINY, '--work-dir', 'reference', *TRAIN)
    return place / 'reference' / 'epoch_1.pth'


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and path.suffix in ('.py', '.yml')
    }


def test_the_wheel_contains_the_configs_of_the_checkout_as_files(installed):
    included = installed / 'vitpose_plus' / '.mim' / 'configs'
    assert not included.is_symlink()
    assert contents(included) == contents(ROOT / 'configs')
    assert not any(path.is_symlink() for path in included.rglob('*'))


def test_the_source_distribution_contains_the_configs_as_files(tree, tmp_path):
    build = f'from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})'
    run(sys.executable, '-c', build, cwd=tree)
    [archive] = tmp_path.glob('*.tar.gz')
    with tarfile.open(archive) as tar:
        included = [m for m in tar.getmembers() if '/vitpose_plus/.mim/configs/' in m.name]
    files = {'/'.join(Path(m.name).parts[4:]) for m in included if m.isfile()}
    assert files == {str(path) for path in contents(ROOT / 'configs')}


def test_the_wheel_contains_the_complete_package_and_nothing_else(installed):
    own, included = contents(ROOT / 'vitpose_plus'), contents(installed / 'vitpose_plus')
    configs = {path for path in included if path.parts[:2] == ('.mim', 'configs')}
    assert {path: included[path] for path in included.keys() - configs} == own
    names = {path.name for path in installed.iterdir() if path.suffix != '.dist-info'}
    assert names == {'vitpose_plus', 'bin'}
    assert [path.name for path in (installed / 'bin').iterdir()] == ['vitpose']


def test_names_of_configs_are_unique_and_lower_case():
    """mim searches the whole package for the file name in lower case."""
    configs = list((ROOT / 'configs').rglob('*.py'))
    names = [path.name for path in configs]
    assert len(set(names)) == len(names)
    assert [name.lower() for name in names] == names
    parts = ('_base_', 'datasets')  # these are not trained
    modules = {path.name for path in (ROOT / 'vitpose_plus').rglob('*.py')}
    assert not modules & {path.name for path in configs if path.parent.name not in parts}


def test_mim_trains_the_same_weights_as_python_m(python, trained):
    check_same_training(python, trained, 'vitpose_plus', f'{TINY}.py')


def test_mmpose_s_script_trains_the_same_weights(python, trained, installed):
    config = installed / 'vitpose_plus' / '.mim' / 'configs' / 'figures' / f'{TINY}.py'
    check_same_training(python, trained, 'mmpose', config)


def check_same_training(python, trained, package, config):
    place = python('mim', 'train', '-y', package, config, '--work-dir', package, *TRAIN)
    ours, other = torch.load(trained), torch.load(place / package / 'epoch_1.pth')
    assert ours['meta']['iter'] == other['meta']['iter'] == 2
    assert list(ours['state_dict']) == list(other['state_dict'])
    for name, value in ours['state_dict'].items():
        assert torch.equal(value, other['state_dict'][name]), name


def test_mim_tests(python, trained):
    loader = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False']
    command = ['mim', 'test', '-y', 'vitpose_plus', f'{TINY}.py', '-C', trained]
    place = python(*command, '--out', 'metrics.json', '--cfg-options', *loader)
    metrics = json.loads((place / 'metrics.json').read_text())
    assert {name.split('/')[0] for name in metrics} == DATASETS


def test_mim_predicts(python, figures):
    pictures = figures / 'coco' / 'val2017'
    model = ['--model', TINY, '--checkpoint', FILE, '--boxes', 'whole']
    place = python('mim', 'run', '-y', 'vitpose_plus', 'predict', pictures, *model)
    lines = (place / 'predictions' / 'predictions.ndjson').read_text().splitlines()
    assert [len(json.loads(line)['instances']) for line in lines] == [1, 1, 1]


@pytest.mark.slow
def test_mim_finds_an_editable_installation_from_its_root(figures, tmp_path):
    """`make` makes this installation. From other folders, openmim does not find it (README)."""
    data = [f'train_dataloader.dataset.datasets.{i}.data_root' for i in range(6)]
    folders = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco']
    roots = [f'{key}={figures / folder}' for key, folder in zip(data, folders, strict=True)]
    env = environment(CUDA_VISIBLE_DEVICES='')
    mim = [sys.executable, '-m', 'mim', 'train', '-y', 'vitpose_plus', f'{TINY}.py']
    run(*mim, '--work-dir', tmp_path / 'out', *TRAIN, *roots, cwd=ROOT, env=env)
    assert torch.load(tmp_path / 'out' / 'epoch_1.pth')['meta']['iter'] == 2


@pytest.mark.network
def test_a_new_installation_trains(new_environment, constraints, workplace):
    """Installs all packages from the index into an empty environment, then trains with ``mim``."""
    commands = new_environment('lite', constraints)
    (workplace / 'work_dirs' / 'demo' / 'figures').unlink()
    few = ['work_dirs/demo/figures', '--num-train', '6', '--num-val', '3']
    here = dict(env=environment(PYTHONPATH='', CUDA_VISIBLE_DEVICES=''))
    run(commands / 'python', '-m', 'vitpose_plus', 'figures', *few, **here)
    run(
        commands / 'mim', 'train', 'vitpose_plus', f'{TINY}.py', '--work-dir', 'out', *TRAIN, **here
    )
    assert torch.load('out/epoch_1.pth')['meta']['iter'] == 2
