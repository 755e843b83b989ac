"""All ways to name a model load the same weights; a wrong name raises one sentence."""

import shutil
from pathlib import Path

import mmpose
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import fetching
from vitpose_plus.commands import main
from vitpose_plus.datasets.skeletons import LEFT, RIGHT, Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.inference.models import load
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.samples import ASTRONAUT

STOCK = 'body_2d_keypoint/topdown_heatmap/coco/td-hm_mobilenetv2_8xb64-210e_coco-256x192.py'


def weights_of(network):
    return {name: value for name, value in network.state_dict().items() if 'num_b' not in name}


@pytest.fixture(scope='module')
def training(tmp_path_factory):
    """A training folder; its best checkpoint has the weights of the tiny figures checkpoint."""
    folder = tmp_path_factory.mktemp('training')
    Config.fromfile(find_config(TINY)).dump(folder / f'{TINY}.py')
    shutil.copy(FILE, folder / 'best_coco_AP_epoch_1.pth')
    return folder


def test_config_path_config_name_and_training_folder_load_the_same_model(training):
    models = [load(TINY, str(FILE)), load(find_config(TINY), str(FILE)), load(str(training))]
    first, *others = [weights_of(model.network) for model in models]
    for other in others:
        for name, value in first.items():
            assert torch.equal(value, other[name]), name
    assert models[0].skeletons == models[2].skeletons
    assert models[2].checkpoint.name == 'best_coco_AP_epoch_1.pth'
    assert models[0].describe()['sha256'] == models[2].describe()['sha256']


def test_the_checkpoint_of_a_folder_can_be_a_url(training, served):
    folder, address, _ = served
    shutil.copy(FILE, folder / 'w.pth')
    model = load(str(training), f'{address}/w.pth')
    assert model.checkpoint == fetching.place(f'{address}/w.pth')


def test_the_flip_test_of_a_prediction_replaces_that_of_a_dataset():
    model = load(TINY, str(FILE))
    own = model.network.head.dataset_test_cfg['coco'] = dict(flip_test=True, shift_heatmap=True)
    assert model.use_flip_test(False, print) is False
    assert own == dict(shift_heatmap=True)


def test_skeletons_equal_those_of_the_datasets(predictor):
    skeletons = predictor.skeletons
    sizes = {name: len(skeleton.names) for name, skeleton in skeletons.items()}
    assert sizes == dict(coco=17, aic=14, mpii=16, ap10k=17, apt36k=17, coco_wholebody=133)
    assert {skeleton.input_wh for skeleton in skeletons.values()} == {(192, 256)}
    coco = skeletons['coco']
    assert coco.names[:3] == ('nose', 'left_eye', 'right_eye')
    assert coco.sides[:3] == (0, 1, 2)
    assert {frozenset((coco.names[a], coco.names[b])) for a, b in coco.links} >= {
        frozenset(('left_elbow', 'left_wrist')),
        frozenset(('right_hip', 'right_knee')),
    }


def test_padding_is_that_of_the_transforms_of_each_dataset(tmp_path):
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    coco = cfg.test_dataloader.dataset.datasets[0]
    coco.pipeline[1].padding = 1.1
    (tmp_path / 'config.py').write_text(cfg.pretty_text)
    skeletons = load(str(tmp_path / 'config.py'), str(FILE)).skeletons
    assert [skeletons[name].padding for name in ('coco', 'aic')] == [1.1, 1.25]


@pytest.mark.parametrize('name', ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody'])
def test_sides_follow_from_the_names(name, predictor):
    """A left keypoint becomes a right one in the mirrored picture."""
    skeleton = predictor.skeletons[name]
    for number, side in enumerate(skeleton.sides):
        mirrored = skeleton.sides[skeleton.flips[number]]
        assert (side, mirrored) in {(0, 0), (1, 2), (2, 1)}, skeleton.names[number]


@pytest.mark.parametrize(
    'pair',
    [
        ('left_eye', 'right_eye'),
        ('L_Eye', 'R_Eye'),
        ('left collar', 'right collar'),
        ('forelegL1', 'forelegR1'),
        ('face-16', 'face-0'),  # in COCO-WholeBody the right half is first
    ],
)
def test_the_left_keypoint_of_a_pair_is_recognised(pair):
    names = sorted(pair)
    skeleton = Skeleton('any', tuple(names), (), (1, 0), (0.1, 0.1))
    assert dict(zip(names, skeleton.sides, strict=True)) == {pair[0]: LEFT, pair[1]: RIGHT}


def test_a_config_sets_the_defaults_of_predict(tmp_path):
    head = f'_base_ = {find_config(TINY)!r}\n'
    (tmp_path / 'own.py').write_text(head + "predict = dict(boxes='whole', dataset='ap10k')\n")
    [result] = PosePredictor(tmp_path / 'own.py', FILE, device='cpu')(ASTRONAUT)
    assert list(result.skeletons) == ['ap10k']
    assert [instance.box.tolist() for instance in result.instances] == [[0, 0, 256, 256]]
    (tmp_path / 'own.py').write_text(head + "predict = dict(box='whole')\n")
    with pytest.raises(UserError, match=r'predict\.box: allowed are boxes, dataset, example'):
        load(str(tmp_path / 'own.py'), str(FILE))


def test_a_stock_config_of_mmpose_with_any_backbone_runs(tmp_path):
    config = Path(mmpose.__file__).parent / '.mim' / 'configs' / STOCK
    network = MODELS.build(Config.fromfile(config, format_python_code=False).model)
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'w.pth')
    predictor = PosePredictor(config, tmp_path / 'w.pth', device='cpu')
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    [result] = predictor(image, boxes='whole')
    assert result.keypoints.shape == (1, 17, 2)
    assert result.names[0] == 'nose'


def broken_folder(tmp_path, *names):
    for name in names:
        (tmp_path / name).touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ('model', 'checkpoint', 'message'),
    [
        ('vitpos-plus-base', None, r'no model vitpos-plus-base: give a released name .*; the clos'),
        ('no/such.py', 'w.pth', r'There is no model no/such\.py: give a released name'),
        (TINY, None, r'is a config: give its weights with --checkpoint, or name a released'),
        (TINY, 'missing.pth', r'missing\.pth'),
        ('vitpose-base_coco-256x192', str(FILE), r'tiny_figures\.pth'),
        ('mae-tiny_figures-256x192', str(FILE), r'belongs to another model'),
        ('vitpose-plus-base', 'w.pth', r'is a released name and has its own weights: leave out'),
        (str(FILE), None, r'tiny_figures\.pth is a checkpoint: give it with --checkpoint, and its'),
    ],
)
def test_a_missing_model_raises_one_sentence(model, checkpoint, message):
    with pytest.raises(UserError, match=message):
        load(model, checkpoint)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ((), r'must contain one config of a training, but has none: give the config'),
        (('a.py', 'b.py'), r'but has a\.py, b\.py: give the config with --model'),
        (('a.py',), r'contains no checkpoint of a training: give one with --checkpoint'),
        (('a.py', 'epoch_1.pth'), r'None of the checkpoints in .* is usable'),
    ],
)
def test_a_folder_without_a_training_raises_one_sentence(names, message, tmp_path):
    with pytest.raises(UserError, match=message):
        load(broken_folder(tmp_path, *names))


def test_a_config_without_data_raises_one_sentence(tmp_path):
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[name] = None
    cfg.dump(tmp_path / 'bare.py')
    with pytest.raises(UserError, match=r'bare\.py: The config has no test_dataloader, which defi'):
        load(str(tmp_path / 'bare.py'), str(FILE))


def test_a_head_without_its_dataset_raises_one_sentence(tmp_path):
    cfg = Config.fromfile(find_config(TINY), format_python_code=False)
    del cfg.test_dataloader.dataset.datasets[2]
    cfg.dump(tmp_path / 'five.py')
    with pytest.raises(UserError, match=r'has a head for mpii, but no test_dataloader of that'):
        load(str(tmp_path / 'five.py'), str(FILE))


def test_a_missing_head_is_reported_with_the_right_model_before_any_download(capsys):
    with pytest.raises(SystemExit):
        main(['predict', str(ASTRONAUT), '--model', 'vitpose-plus-huge', '--dataset', 'ap10k'])
    error = capsys.readouterr().err
    assert (
        "vitpose-plus-huge has no head for 'ap10k', only for coco: download the authors'" in error
    )
    assert '--source official --config vitpose-plus-huge_six-datasets-256x192' in error
