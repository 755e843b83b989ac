"""The command measures, and writes what it has measured."""

import json
from functools import partial

import pytest

from tests.helpers.export_models import PLAIN, PLUS, random_model
from tests.helpers.exported import write
from vitpose_plus.benchmarking import ceilings, decoding, measurements
from vitpose_plus.benchmarking.ceilings import CEILING
from vitpose_plus.benchmarking.competitors import COMPETITORS
from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.engines import ENGINES
from vitpose_plus.benchmarking.measurements import MEASUREMENTS
from vitpose_plus.commands import benchmark_options, main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """A folder with a small model."""
    folder = tmp_path_factory.mktemp('model')
    random_model(folder, PLUS)
    return folder


@pytest.fixture
def quick(monkeypatch, tmp_path, model):
    """Small products of matrices, a working folder, and the words for a small model."""
    monkeypatch.chdir(tmp_path)
    small = partial(ceilings.product, side=64)
    monkeypatch.setattr(measurements, 'product', small)
    monkeypatch.setattr(decoding, 'BATCH', 4)
    for name in ('config.py', 'random.pth'):
        (tmp_path / name).symlink_to(model / name)
    return ['benchmark', '--model', 'config.py', '--batch', '6', '--rounds', '1']


def test_the_options_are_the_keys_of_the_tables():
    assert tuple(ENGINES) == benchmark_options.ENGINES
    assert tuple(MEASUREMENTS) == benchmark_options.MEASUREMENTS
    assert set(COMPETITORS) <= set(ENGINES)


def test_everything_is_written_and_shown(quick, capsys, tmp_path):
    words = ['--what', 'forward', 'predict', 'decode', '--pictures', '1', '--precision', 'fp32']
    main([*quick, *words, '--json', 'out.json', '--chart', 'out.png'])
    content = json.loads((tmp_path / 'out.json').read_text())
    names = {(row['what'], row['name']) for row in content['rows']}
    assert {
        ('forward', 'torch, coco'),
        ('forward', 'torch, 6 datasets mixed'),
        ('forward', 'all experts on all samples'),
        ('forward', CEILING),
        ('predict', 'torch, predict'),
        ('predict', 'torch, model alone'),
        ('predict', 'mmpose, inference_topdown'),
        ('decode', 'mmpose, UDPHeatmap, 133 keypoints'),
    } <= names
    assert content['weights'] == 'random'
    assert content['machine']['threads'] == 1
    one = next(row for row in content['rows'] if row['name'] == 'torch, coco')
    assert one['per_second'] == pytest.approx(6 / one['median'])
    assert len(one['seconds']) == 1
    assert one['share'] > 0
    text = capsys.readouterr().out
    assert 'ceiling' in text
    assert 'The weights are random' in text
    assert "Hugging Face, plain is not measured: Hugging Face's patches have a padding" in text
    assert (tmp_path / 'out.png').stat().st_size > 10_000


def test_a_model_with_its_weights_and_without_competitors(quick, tmp_path):
    words = ['--checkpoint', 'random.pth', '--dataset', 'coco_wholebody', 'coco']
    main([*quick, *words, '--precision', 'fp32', '--no-competitors', '--json', 'out.json'])
    content = json.loads((tmp_path / 'out.json').read_text())
    assert content['weights'] == 'given'
    assert [row['name'] for row in content['rows']] == [
        'torch, coco_wholebody',
        'torch, coco_wholebody, decoded',
        'torch, coco',
        'torch, coco, decoded',
        'torch, 6 datasets mixed',
        CEILING,
    ]


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (['--dataset', 'zebra'], "--dataset names 'zebra', which the model does not have"),
        (['--json', 'config.py'], 'config.py exists: give another name'),
        (['--chart', 'out.txt'], 'out.txt must end in .png or .svg or .pdf'),
        (['--precision', 'int8'], '--what forward has nothing to measure'),
        (['--device', 'cuda:99'], 'The device cuda:99 cannot be used'),
    ],
)
def test_wrong_input(quick, words, text, capsys):
    with pytest.raises(SystemExit, match='2'):
        main([*quick, *words])
    assert text in capsys.readouterr().err


def test_a_checkpoint_needs_its_config(capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['benchmark', '--checkpoint', 'random.pth'])
    assert 'give the config with --model' in capsys.readouterr().err


@pytest.mark.minutes
def test_an_exported_file_is_measured(quick, tmp_path):
    (tmp_path / 'plain').mkdir()
    paths = write(random_model(tmp_path / 'plain', PLAIN), tmp_path, 'own', ['.pt2'])
    words = ['--what', 'forward', 'predict', '--pictures', '1', '--rounds', '1']
    main(['benchmark', '--model', str(paths['.pt2']), *words, '--json', 'out.json'])
    rows = json.loads((tmp_path / 'out.json').read_text())['rows']
    assert [(row['what'], row['name'], row['samples']) for row in rows] == [
        ('forward', 'torch.export, own.pt2', 8),
        ('predict', 'torch.export, own.pt2, predict', 3),
    ]


def test_an_exported_file_cannot_be_trained(quick, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['benchmark', '--model', 'model.onnx', '--what', 'train'])
    assert '--what train cannot be measured with the exported file' in capsys.readouterr().err


def test_a_missing_package_is_named(quick, capsys, monkeypatch):
    class Missing(Contender):
        packages = ('no_such_package',)

    monkeypatch.setitem(ENGINES, 'onnx', Missing)
    with pytest.raises(SystemExit, match='2'):
        main([*quick, '--engine', 'onnx'])
    assert '--engine onnx needs the package no_such_package' in capsys.readouterr().err
