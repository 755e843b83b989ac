"""The changes that the options of ``train`` make in a config."""

import argparse

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from vitpose_plus.checkpoints import writing
from vitpose_plus.commands import train
from vitpose_plus.engine import preflight
from vitpose_plus.engine.runs import build_runner, load_config
from vitpose_plus.errors import UserError


def options(*words):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(['CONFIG', *words])


def test_pretrained_initialises_only_the_backbone(tiny_config):
    start = MODELS.build(tiny_config.model).state_dict()
    writing.write('start.pth', {k: v for k, v in start.items() if k.startswith('backbone.')})
    cfg = train.configure(tiny_config, options('--pretrained', 'start.pth'))
    preflight.check_checkpoints(cfg)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, value in model.state_dict().items():
        if name.startswith('backbone.'):
            assert torch.equal(value, start[name]), name
        elif 'weight' in name and value.ndim > 1:
            assert not torch.equal(value, start[name]), name


def test_amp_trains_in_mixed_precision_with_a_loss_scale(tiny_config, monkeypatch):
    monkeypatch.setattr('vitpose_plus.engine.preflight.get_device', lambda: 'cuda')
    monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', bool)
    cfg = train.configure(tiny_config, options('--amp'))
    preflight.check_precision(cfg)
    assert cfg.optim_wrapper.type == AmpOptimWrapper.__name__
    assert cfg.optim_wrapper.loss_scale == 'dynamic'
    assert train.configure(cfg, options('--amp')).optim_wrapper == cfg.optim_wrapper


@pytest.mark.skipif(torch.cuda.is_available(), reason='it works on a GPU')
def test_amp_without_a_gpu_is_refused_before_anything_is_written(tiny_config, workplace):
    cfg = train.configure(tiny_config, options('--amp'))
    cfg.work_dir = 'out'
    with pytest.raises(UserError, match=r'needs a GPU.*optim_wrapper\.type=Bf16OptimWrapper'):
        build_runner(cfg, ('train',))
    assert not (workplace / 'out').exists()


def test_the_learning_rate_is_scaled_with_the_batch_size(tiny_config):
    """The rate of the config is for a batch of 1024. A batch of 16 trains with a 64th of it."""
    tiny_config.work_dir = 'out'
    runner = build_runner(train.configure(tiny_config, options('--auto-scale-lr')), ('train',))
    scaled, given = (runner.build_optim_wrapper(tiny_config.optim_wrapper) for _ in range(2))
    runner.scale_lr(scaled, runner.auto_scale_lr)
    groups = zip(scaled.optimizer.param_groups, given.optimizer.param_groups, strict=True)
    for one, other in groups:
        assert one['lr'] == pytest.approx(other['lr'] * 16 / 1024)


def test_scaling_the_learning_rate_needs_a_base_batch_size(tiny_config):
    tiny_config.pop('auto_scale_lr')
    with pytest.raises(
        UserError, match=r'has no auto_scale_lr\.base_batch_size: add it for --auto-scale-lr'
    ):
        train.configure(tiny_config, options('--auto-scale-lr'))


@pytest.mark.parametrize('words', [[], ['--no-validate']])
def test_no_validate_turns_validation_off(words, tiny_config):
    tiny_config.work_dir = 'out'
    runner = build_runner(train.configure(tiny_config, options(*words)), ('train',))
    assert (runner.val_loop is None) == bool(words)


def test_settings_of_repeated_options_are_all_applied(tiny_config):
    given = [
        '--cfg-options',
        'resume=True',
        'log_level=INFO',
        '--cfg-options',
        'train_cfg.max_epochs=7',
    ]
    args = options(*given)
    assert args.cfg_options == ['resume=True', 'log_level=INFO', 'train_cfg.max_epochs=7']
    cfg = load_config(TINY, options=args.cfg_options)
    assert (cfg.resume, cfg.train_cfg.max_epochs) == (True, 7)


def test_a_setting_without_a_value_is_reported_in_one_sentence(capsys):
    with pytest.raises(SystemExit) as stop:
        options('--cfg-options', 'lr')
    assert stop.value.code == 2
    assert "'lr' is not KEY=VALUE" in capsys.readouterr().err


def test_reading_the_training_set_of_a_config_for_gpus_needs_no_gpu(tiny_config):
    """cache-heatmaps and reconstruct only read it."""
    preflight.check(train.configure(tiny_config, options('--amp')), ('train',))
