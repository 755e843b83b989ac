"""The knowledge token: its training, and its use in the student."""

from copy import deepcopy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same
from tests.helpers.students import CHECKPOINT, STAGE_1, TOKEN, shipped, steps, student_of
from vitpose_plus.checkpoints import check_fit, reading
from vitpose_plus.distillation.token_file import SavedToken, fingerprint, read_token, write_token
from vitpose_plus.models.building import deployment_config


@pytest.fixture
def learner(teacher):
    """The teacher in stage 1."""
    learner = MODELS.build(shipped(STAGE_1).model)
    learner.load_state_dict(reading.read(CHECKPOINT), strict=False)
    return learner.train()


def test_only_the_token_is_trained(learner, samples):
    before = deepcopy(learner.state_dict())
    _, wrapper = steps(learner, shipped(STAGE_1), samples)
    [group] = wrapper.optimizer.param_groups
    assert group['param_names'] == ['backbone.prefix_tokens']
    assert group['weight_decay'] == 0
    assert not any(module.training for module in learner.modules())
    for name, value in learner.state_dict().items():  # running means and variances, too
        assert torch.equal(value, before[name]) == (name != 'backbone.prefix_tokens'), name


def test_the_token_learns_from_the_ground_truth(learner, samples):
    cfg = shipped(STAGE_1)
    cfg.optim_wrapper.optimizer.lr = 0.05
    logs, _ = steps(learner, cfg, samples, number=10)
    assert logs[-1]['loss_kpt'] < logs[0]['loss_kpt']


def test_only_the_token_of_a_teacher_of_several_datasets_is_trained(tiny_config):
    tiny_config.model.update(type='TokenMultiDatasetTopdown')
    tiny_config.model.backbone.num_prefix_tokens = 2
    learner = MODELS.build(tiny_config.model).train()
    held = build_optim_wrapper(learner, tiny_config.optim_wrapper).optimizer.param_groups
    assert [group['param_names'] for group in held] == [['backbone.prefix_tokens']]
    assert not any(module.training for module in learner.modules())
    assert deployment_config(tiny_config.model)['type'] == 'MultiDatasetTopdown'


def test_stage_1_needs_a_token():
    cfg = shipped(STAGE_1)
    cfg.model.backbone.num_prefix_tokens = 0
    with pytest.raises(ValueError, match='no token to train: give it num_prefix_tokens=1'):
        MODELS.build(cfg.model)


def test_only_the_token_may_be_missing_in_the_checkpoint(learner):
    state = reading.read(CHECKPOINT)
    check_fit(state, learner)
    check_fit(learner.state_dict(), learner)
    with pytest.raises(ValueError, match=r"it lacks 'backbone\.pos_embed'"):
        check_fit({k: v for k, v in state.items() if 'pos_embed' not in k}, learner)
    plain = MODELS.build(deployment_config(shipped(STAGE_1).model))
    with pytest.raises(ValueError, match=r"it lacks 'backbone\.prefix_tokens'"):
        check_fit(state, plain)


def test_weights_have_one_fingerprint_in_any_file(teacher):
    state = teacher.state_dict()
    own = fingerprint(state)
    assert fingerprint({**dict(reversed(state.items())), 'backbone.prefix_tokens': None}) == own
    resized = {'backbone.pos_embed': torch.zeros(1, 4, 4, 128)}  # for another input
    assert fingerprint({**state, **resized}) == own
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    assert fingerprint(half) == fingerprint({k: v.to(state[k].dtype) for k, v in half.items()})
    for name in ('backbone.norm.bias', 'head.deconv_layers.1.num_batches_tracked'):
        assert fingerprint({**state, name: state[name] + 1}) != own


def test_a_token_file_is_read_as_data(tmp_path):
    token = SavedToken(torch.randn(1, 2, 8), 'somebody', 'abc')
    write_token(tmp_path / 'token.pth', token)
    saved = read_token(tmp_path / 'token.pth')
    assert torch.equal(saved.token, token.token)
    assert saved[1:] == token[1:]
    torch.save(dict(token=token.token, teacher=print, sha256=''), tmp_path / 'code.pth')
    with pytest.raises(
        ValueError, match=r'code\.pth holds more than data \(.*print\): it is refus'
    ):
        read_token(tmp_path / 'code.pth')


def test_with_equal_widths_the_token_is_not_changed(cfg, samples):
    cfg.model.token.type = 'KnowledgeToken'
    cfg.model.backbone.arch.dim = cfg.model.head.in_channels = 128
    student = student_of(cfg)
    token = read_token(TOKEN).token
    assert torch.equal(student.backbone.prefix_tokens, token)
    _, wrapper = steps(student, cfg, samples)
    assert torch.equal(student.state_dict()['backbone.prefix_tokens'], token)
    held = {id(p) for group in wrapper.optimizer.param_groups for p in group['params']}
    assert id(student.backbone.prefix_tokens) not in held


def test_with_different_widths_the_token_is_mapped(cfg, samples):
    student = student_of(cfg)
    token = read_token(TOKEN).token
    [token_map] = student.backbone.parametrizations.prefix_tokens
    bias = student.backbone.parametrizations.prefix_tokens.original
    assert_same(student.backbone.prefix_tokens, token @ token_map.weight.T)
    assert student.backbone.prefix_tokens.std().item() == pytest.approx(token.std().item(), rel=0.3)
    assert torch.equal(bias, torch.zeros(1, 1, 64))
    steps(student, cfg, samples)
    assert_same(student.backbone.prefix_tokens, token @ token_map.weight.T + bias)
    assert bias.abs().sum() > 0
    assert torch.equal(token_map.token, token)  # t itself is frozen


def test_a_state_dict_has_the_folded_token_only(cfg, samples):
    student = student_of(cfg)
    steps(student, cfg, samples)
    state = student.state_dict()
    assert [name for name in state if 'prefix' in name or 'param' in name] == [
        'backbone.prefix_tokens'
    ]
    check_fit(state, MODELS.build(deployment_config(cfg.model)))
    other = student_of(cfg)
    check_fit(state, other)
    other.load_state_dict(state)  # also into a student: its map then gives the folded token
    assert_same(other.backbone.prefix_tokens, student.backbone.prefix_tokens)


def test_a_learnt_prefix_alone_needs_no_token(cfg):
    """Without a teacher's token, ``num_prefix_tokens`` adds ordinary learnt vectors."""
    student = student_of(cfg, 'token')
    assert 'backbone.prefix_tokens' in dict(student.named_parameters())


def test_the_configs_fit_each_other():
    """The included students read the files that the included teachers and stage 1 write."""
    for name in (
        'vitpose-base-distill_coco-256x192',
        'vitpose-plus-small-distill_six-datasets-256x192',
    ):
        cfg = shipped(name)
        first = shipped(cfg.model.token.file.split('/')[1])
        teacher = shipped(cfg.model.teacher.config)
        last = f'work_dirs/{cfg.model.teacher.config}/epoch_{teacher.train_cfg.max_epochs}.pth'
        assert cfg.model.teacher.checkpoint == first.load_from == last
        assert first.model.backbone.num_prefix_tokens == cfg.model.backbone.num_prefix_tokens
