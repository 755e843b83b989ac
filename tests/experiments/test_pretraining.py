"""MAE on figures, and a pose model that starts from it: data, training, checkpoint, pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS

from vitpose_plus.checkpoints import matching, reading, writing
from vitpose_plus.checkpoints.matching import fitting_configs
from vitpose_plus.commands import main
from vitpose_plus.experiments.catalogue import find_config, shipped_configs
from vitpose_plus.experiments.pretraining import person_crops, whole_pictures
from vitpose_plus.models.building import build_on_meta

BASE = 'mae-base_coco-crops-256x192'
MAE = 'mae-tiny_figures-256x192'
POSE = 'vitpose-plus-tiny_figures-256x192'
QUICK = ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
FEW = [f'train_dataloader.dataset.datasets.{i}.indices=4' for i in range(2)]
ROOT = 'work_dirs/demo/figures'


@pytest.fixture
def config(workplace):
    return Config.fromfile(find_config(MAE), format_python_code=False)


def entries(config):
    return dict(coco=config.coco, aic=config.aic)


def test_a_sample_for_each_person_or_picture(config):
    """Both datasets have six pictures; every person or picture gives exactly one sample."""
    plain = [
        dict(e.train, data_root=f'{ROOT}/{e.train.data_root}') for e in entries(config).values()
    ]
    people = sum(len(DATASETS.build(part)) for part in plain)
    for derive, number in ((person_crops, people), (whole_pictures, 12)):
        model, loader = derive(entries(config), data_root=ROOT)
        dataset = DATASETS.build(loader['dataset'])
        assert len(dataset) == number
        assert model == dict(backbone=dict(input_hw=(256, 192)))
        packed = dataset[number - 1]
        assert packed['inputs'].shape == (3, 256, 192)
        assert packed['inputs'].dtype == torch.uint8
        assert packed['data_samples'].dataset_name == 'aic'
        assert not packed['data_samples'].gt_instances.keys()
    _, loader = whole_pictures(entries(config), input_hw=(64, 128), data_root=ROOT)
    assert DATASETS.build(loader['dataset'])[0]['inputs'].shape == (3, 64, 128)


def test_a_dataset_without_training_data_is_refused(config):
    with pytest.raises(ValueError, match='zebra has no `train`; name entries of'):
        person_crops(dict(entries(config), zebra=dict(val={})))
    with pytest.raises(ValueError, match='`datasets` has no `train`'):
        whole_pictures({})


def test_sixty_steps_on_figures_lower_the_loss(config):
    dataset = DATASETS.build(config.train_dataloader.dataset)
    model = MODELS.build(config.model).train()
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    p, d = model.decoder.predict.weight.shape
    losses = []
    for _ in range(60):
        chosen = torch.randint(len(dataset), (8,)).tolist()
        pictures = torch.stack([dataset[i]['inputs'] for i in chosen])
        data = dict(
            inputs=pictures.unbind(), data_samples=[dataset[i]['data_samples'] for i in chosen]
        )
        losses.append(model.train_step(data, wrapper)['loss'].item())
    # The variance of targets, plus that of normed tokens times Xavier's weights; only 8 crops.
    assert losses[0] == pytest.approx(1 + 2 * d / (d + p), abs=0.06)
    assert np.mean(losses[-10:]) < 0.93


@pytest.fixture
def trained(workplace):
    """The checkpoint of one epoch on eight people."""
    main(
        ['train', MAE, '--work-dir', 'mae', '--cfg-options', 'train_cfg.max_epochs=1', *QUICK, *FEW]
    )
    return 'mae/epoch_1.pth'


def test_its_checkpoint_starts_a_pose_model_and_reconstructs(trained, capsys):
    state = reading.read(trained)
    assert {key.split('.')[0] for key in state} == {'backbone', 'decoder'}
    start_a_plain_pose_model(trained, state)
    log_parts_that_are_left_out(trained)
    draw(trained, capsys)
    refuse_other_uses(trained, capsys)


def start_a_plain_pose_model(trained, state):
    cfg = Config.fromfile(find_config('vitpose-base_coco-256x192'), format_python_code=False)
    start = dict(type='Pretrained', checkpoint=trained, prefix='backbone.')
    cfg.model.backbone.update(arch='tiny', init_cfg=start)
    cfg.model.head.in_channels = 128
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, state[f'backbone.{name}']), name


def log_parts_that_are_left_out(trained):
    """Uses plain FFNs, so that MAE's plain backbone fits the model."""
    plain = ['model.backbone.ffn._delete_=True', 'model.backbone.ffn.type=SharedFFN']
    few = [f'train_dataloader.dataset.datasets.{i}.indices=2' for i in range(6)]
    options = ['train_cfg.max_epochs=1', *plain, *QUICK, *few]
    command = ['train', POSE, '--work-dir', 'pose', '--no-validate', '--pretrained', trained]
    main([*command, '--cfg-options', *options])
    [log] = [path.read_text() for path in Path('pose').glob('*/*.log')]
    number = sum(name.startswith('backbone.') for name in reading.read(trained))
    own = f"The backbone starts from {trained} (vitpose_plus's own layout): {number} tensors"
    assert f'{own}; left out: decoder.' in log


def draw(trained, capsys):
    cv2.imwrite('wide.jpg', np.full((100, 300, 3), 90, np.uint8))
    main(['reconstruct', MAE, trained, '--out', 'own.png', '--images', 'wide.jpg', 'wide.jpg'])
    assert cv2.imread('own.png').shape == (2 * 256, 3 * 192, 3)
    assert (cv2.imread('own.png')[:, :192] == 90).mean() > 0.99
    main(['reconstruct', MAE, trained, '--out', 'first.png', '--number', '3'])
    main(['reconstruct', MAE, trained, '--out', 'second.png', '--number', '3'])
    first, second = (cv2.imread(f'{name}.png') for name in ('first', 'second'))
    assert first.shape == (3 * 256, 3 * 192, 3)
    assert np.array_equal(first, second)  # the same masks and crops
    assert 'second.png, reconstructions of 3 pictures' in capsys.readouterr().out


def refused(capsys, *command):
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(list(command))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    return error


def refuse_other_uses(trained, capsys):
    out = ('--out', 'a.png')
    assert 'there is nothing to test: draw the' in refused(capsys, 'test', MAE, trained)
    assert 'reconstruct' in refused(capsys, 'test', MAE, trained)
    other = refused(capsys, 'test', POSE, trained)
    assert 'epoch_1.pth belongs to another model' in other
    assert 'a.jpg must end in .png: give another name' in refused(
        capsys, 'reconstruct', MAE, trained, '--out', 'a.jpg'
    )
    assert '--number 0 is less than 1: give 1 or more' in refused(
        capsys, 'reconstruct', MAE, trained, *out, '--number', '0'
    )
    assert 'a.png cannot be written, as ' in refused(
        capsys, 'reconstruct', MAE, trained, '--out', 'wide.jpg/a.png'
    )
    for path in ('missing.jpg', trained):
        assert f'{path} cannot be read as a picture: check the file' in refused(
            capsys, 'reconstruct', MAE, trained, *out, '--images', path
        )
    torch.save(build_weights(POSE, MODELS.build), 'pose.pth')
    assert 'pose.pth belongs to another model' in refused(
        capsys, 'reconstruct', MAE, 'pose.pth', *out, '--images', 'wide.jpg'
    )
    assert 'is not the config of a masked autoencoder: give a config of configs/mae/' in refused(
        capsys, 'reconstruct', POSE, 'pose.pth', *out, '--images', 'wide.jpg'
    )


def build_weights(name, build=build_on_meta):
    return build(Config.fromfile(find_config(name)).model).state_dict()


def test_experts_start_from_it_by_convert(workplace, capsys):
    """As with the authors' MAE files: the decoder is left out, and all experts are equal."""
    state = build_weights(MAE, MODELS.build)
    writing.write('mae.pth', state)
    main(['convert', 'mae.pth', 'start.pth', '--config', POSE])
    out = capsys.readouterr().out
    assert "Left out: 'decoder.mask_token'" in out
    assert 'the decoder of MAE, which only the pre-training needs' in out
    start = reading.read('start.pth')
    assert not any(key.startswith('decoder.') for key in start)
    experts = start['backbone.layers.0.ffn.experts.weight']
    last_rows = state['backbone.layers.0.ffn.fc2.weight'][-experts.shape[1] :]
    assert torch.equal(experts, last_rows.expand_as(experts))


CONFIGS = [path for path in shipped_configs().values() if path.parent.name == 'mae']


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_are_mae_on_their_crops(path):
    """Three quarters of the patches are hidden. Biases, norms, tokens, positions do not decay."""
    cfg = Config.fromfile(path, format_python_code=False)
    model = build_on_meta(cfg.model)
    h, w = cfg.model.backbone.input_hw
    assert path.stem.endswith(f'-{h}x{w}')
    assert model.choose(torch.empty(2, 3, h, w)).shape == (2, h * w // 16**2 // 4)
    # This loop seeds by rank: otherwise all GPUs would hide the same patches.
    assert cfg.train_cfg.type == 'ExactTrainLoop'
    for part in cfg.train_dataloader.dataset.datasets:
        [size] = [step.input_size for step in part.pipeline if 'input_size' in step]
        assert tuple(size) == (w, h)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    decay = {p: group['weight_decay'] for group in optimizer.param_groups for p in group['params']}
    for name, parameter in model.named_parameters():
        plain = parameter.ndim == 1 or name.endswith('pos_embed')
        assert decay[parameter] == (0 if plain else cfg.optim_wrapper.optimizer.weight_decay), name
        assert not plain or parameter.ndim in (1, 4)
    *_, last = cfg.param_scheduler
    assert last.end == cfg.train_cfg.max_epochs


def test_the_recipe_is_that_of_mae():
    cfg = Config.fromfile(find_config(BASE), format_python_code=False)
    assert cfg.auto_scale_lr.base_batch_size == 8 * cfg.train_dataloader.batch_size == 4096
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(1.5e-4 * 4096 / 256)
    model = build_on_meta(cfg.model)
    encoder, decoder = (
        sum(p.numel() for p in part.parameters()) / 1e6 for part in (model.backbone, model.decoder)
    )
    assert (encoder, decoder) == (pytest.approx(85.8, abs=0.05), pytest.approx(26.0, abs=0.05))


def test_an_encoder_without_decoder_fits_pose_models_of_its_size(monkeypatch):
    configs = {name: Path(find_config(name)) for name in (BASE, 'vitpose-base_coco-256x192')}
    monkeypatch.setattr(matching, 'shipped_configs', lambda: configs)
    state = build_weights(BASE)
    encoder = {key: value for key, value in state.items() if key.startswith('backbone.')}
    assert fitting_configs(encoder) == 'vitpose-base_coco-256x192'
