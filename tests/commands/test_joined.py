"""A joined model is a ViTPose+ for all commands: train, test, predict, split, convert and export.

The new dataset is synthetic persons with the name dancer, whose pictures are never mirrored.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same
from tests.helpers.demo import TINY, TWO_ITERATIONS
from tests.helpers.exported import write
from tests.helpers.models import SIX, same
from tests.helpers.parts import built, heatmaps
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import Child, finished
from vitpose_plus import PosePredictor
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.experts import expert_weights
from vitpose_plus.checkpoints.layouts.heads import own_prefix
from vitpose_plus.commands import main
from vitpose_plus.experiments.catalogue import load_config, read_config
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference import models
from vitpose_plus.inference.engines.opening import open_engine

SEVEN = [*SIX, 'dancer']
TWO_OF_THE_SEVENTH = [
    'train_dataloader.dataset.datasets.6.indices=2',
    'optim_wrapper.optimizer.weight_decay=0',  # without a gradient, a weight does not change
]
LOADER = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False']


def trained(name, of, checkpoint, like, figures):
    """Writes the training folder of a new expert, which stays equal to that of ``like``."""
    labels = [f'{figures}/coco/annotations/person_keypoints_val2017.json']
    labels += ['--pictures', f'{figures}/coco/val2017', '--boxes', 'file', '--split', 'random']
    main(['new-dataset', name, *labels, '--no-flip', '--expert-of', of, checkpoint, '--like', like])
    cfg = load_config(name, format_python_code=False)
    model = MODELS.build(cfg.model)
    model.init_weights()
    given, own = own_prefix(like), own_prefix(name)
    head = {k: v for k, v in reading.read(checkpoint).items() if k.startswith(given)}
    state = model.state_dict() | {k.replace(given, own): v for k, v in head.items()}
    folder = Path('work_dirs', name)
    folder.mkdir(parents=True)
    writing.write(folder / 'best.pth', state)
    cfg.dump(folder / 'config.py')
    return str(folder / 'best.pth')


@pytest.fixture(scope='module')
def made(figures, tmp_path_factory):
    """A folder with ``seven.pth`` and the training folder of the dancer, which is that of COCO."""
    folder = tmp_path_factory.mktemp('joined')
    init_default_scope('mmpose')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        part = trained('dancer', TINY, str(FILE), 'coco', figures)
        main(['join', str(FILE), part, 'seven.pth', '--config', TINY])
    return folder


@pytest.fixture
def seven(made, workplace):
    """A copy of this folder as the current one."""
    shutil.copytree(made, workplace, dirs_exist_ok=True)
    return workplace


@pytest.mark.forks
@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (['--cfg-options', 'load_from=seven.pth'], 'Load checkpoint from seven.pth'),
        (['--pretrained', 'seven.pth', '--cfg-options'], 'starts from seven.pth (vitpose_plus'),
    ],
)
def test_training_reaches_every_expert_and_every_head(words, text, seven):
    command = ['train', 'seven.py', '--no-validate', *words, *TWO_ITERATIONS, *TWO_OF_THE_SEVENTH]
    printed = finished(Child(lambda: main(command)))
    assert text in printed
    assert 'without RandomFlip' not in printed  # the dancer is tested without mirrored pictures
    before, after = (reading.read(file) for file in ('seven.pth', 'work_dirs/seven/epoch_1.pth'))
    assert list(after) == list(before)
    for number, name in enumerate(SEVEN):
        experts = expert_weights(before, number), expert_weights(after, number)
        prefix = own_prefix(name)
        heads = [{k: v for k, v in each.items() if prefix in k} for each in (before, after)]
        for one, other in (experts, heads):
            for key, value in one.items():
                if 'num_batches' not in key:
                    assert not torch.equal(value.to(other[key]), other[key]), (name, key)


def metrics(*words):
    """All numbers of the command ``test``."""
    command = ['test', *words, '--out', 'metrics.json', '--cfg-options', *LOADER]
    finished(Child(lambda: main(command)))
    return json.loads(Path('metrics.json').read_text())


@pytest.mark.forks
@pytest.mark.minutes
def test_the_scores_of_every_dataset_stay_the_same(seven):
    six, dancer = metrics(TINY, str(FILE)), metrics('work_dirs/dancer')
    assert {name.split('/')[0] for name in (*six, *dancer)} == set(SEVEN)
    found = metrics('seven.py', 'seven.pth')
    assert found == pytest.approx(six | dancer, rel=1e-5)  # batches of other sizes
    assert len(found) == len(six) + len(dancer)


def test_predict(seven, figures):
    """The dancer is predicted as by its own model, the others are predicted as by the six."""
    pictures = str(figures / 'coco' / 'val2017')

    def points(dataset, *names):
        predictor = PosePredictor(*names, device='cpu')
        return np.concatenate(
            [each.keypoints for each in predictor(pictures, boxes='whole', dataset=dataset)]
        )

    pairs = [(name, (TINY, FILE)) for name in ('coco', 'aic')]
    for dataset, names in (*pairs, ('dancer', ('work_dirs/dancer',))):
        found, expected = points(dataset, 'seven.py', 'seven.pth'), points(dataset, *names)
        assert np.ptp(found) > 20
        np.testing.assert_array_equal(found, expected)


@pytest.mark.minutes
def test_an_exported_file_equals_torch(seven, tmp_path):
    model = models.load('seven.py', 'seven.pth')
    description = describe(model, Options())
    [path] = write(model, tmp_path, 'seven', ['.onnx']).values()
    engine = open_engine(path, torch.device('cpu'))
    assert engine.description == description
    assert description.names == tuple(SEVEN)
    crops = torch.randint(256, (3, 3, *description.input_hw), dtype=torch.uint8)
    for numbers in ([6, 6, 6], [0, 0, 0], [6, 0, 6]):
        with torch.no_grad():
            expected = graph_of(model.network, description)(crops, torch.tensor(numbers))
        points, scores = engine(crops, torch.tensor(numbers))
        assert_same(scores, expected[1])
        near = (points - expected[0]).norm(dim=-1) < 0.01
        assert near.float().mean() > 0.98  # as in tests/export: rounding can move some peaks


def test_a_joined_model_gets_a_further_expert(seven, figures):
    """A copy of the dancer's expert and head: its heatmaps are equal bit for bit."""
    main(
        ['join', 'seven.pth', trained('twin', 'seven.py', 'seven.pth', 'dancer', figures), 'x.pth']
    )
    eight = built(reading.read('x.pth'), read_config('x.py'))
    before = built(reading.read('seven.pth'), read_config('seven.py'))
    assert eight.head.names == [*SEVEN, 'twin']
    found = heatmaps(eight, [*SEVEN, 'dancer', 'coco'])
    assert all(map(torch.equal, found, heatmaps(before, [*SEVEN, 'dancer', 'coco'])))
    assert torch.equal(heatmaps(eight, ['twin'])[0], heatmaps(eight, ['dancer'])[0])


@torch.no_grad()
def test_split_and_convert_give_the_plain_model_of_the_seventh(seven):
    main(['split', 'seven.pth', 'dancer', 'dancer.pth'])
    cfg, state = read_config('dancer.py'), reading.read('dancer.pth')
    assert not cfg.model.test_cfg.flip_test
    whole = built(reading.read('seven.pth'), read_config('seven.py'))
    images = torch.randn(1, 3, 256, 192, generator=torch.Generator().manual_seed(1))  # as below
    assert_same(built(state, cfg)(images, None, mode='tensor')[0], heatmaps(whole, ['dancer'])[0])
    one = ['--dataset', 'dancer', '--config', 'dancer.py']
    for target in ('vitpose_plus', 'mmpose'):
        main(['convert', 'seven.pth', target, '--target', target, *one])
        main(['convert', target, f'{target}.pth', '--config', 'dancer.py'])
        same(reading.read(f'{target}.pth'), state)
