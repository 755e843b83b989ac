"""A student is a plain estimator with a teacher."""

from copy import deepcopy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same
from tests.helpers.students import (
    CHECKPOINT,
    PLAIN,
    TEACHER,
    prepare,
    shipped,
    steps,
    student_of,
)
from vitpose_plus.distillation.students import recorded
from vitpose_plus.engine.precision import Bf16OptimWrapper
from vitpose_plus.models.building import deployment_config

SETTINGS = {  # arguments that are removed
    'neither': ('teacher', 'token'),
    'token': ('teacher',),
    'output': ('token',),
    'both': (),
}


@pytest.mark.parametrize('setting', SETTINGS)
def test_every_parameter_that_is_trained_gets_a_gradient(setting, cfg, samples):
    """DDP refuses parameters that are not used."""
    student = student_of(cfg, *SETTINGS[setting])
    losses = student.loss(**prepare(student, samples))
    assert losses.keys() == {'loss_kpt'} | (
        {'loss_output'} if setting in ('output', 'both') else set()
    )
    sum(losses.values()).backward()
    for name, parameter in student.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_output_loss_is_the_mean_squared_difference(cfg, samples, teacher):
    student = student_of(cfg)
    alone = deepcopy(student)
    alone.teacher = None
    data = prepare(student, samples)
    losses = student.loss(**data)
    with torch.no_grad():
        predicted, taught = alone._forward(data['inputs']), teacher._forward(data['inputs'])
    assert_same(losses['loss_output'], ((predicted - taught) ** 2).mean())
    assert losses['loss_output'] > 0.01
    assert_same(
        losses['loss_kpt'],
        alone.head.loss_module(predicted, *(torch.stack(list(t)) for t in targets(data))),
    )


def targets(data):
    samples = data['data_samples']
    yield [s.gt_fields.heatmaps for s in samples]
    yield [s.gt_instance_labels.keypoint_weights[0] for s in samples]


def test_the_output_loss_has_a_weight(cfg, samples):
    losses = []
    for weight in (1.0, 0.25):
        cfg.model.output_loss = dict(type='KeypointMSELoss', loss_weight=weight)
        student = student_of(cfg)
        losses.append(student.loss(**prepare(student, samples)))
    one, quarter = losses
    torch.testing.assert_close(quarter['loss_output'], one['loss_output'] / 4)
    assert torch.equal(quarter['loss_kpt'], one['loss_kpt'])


def test_without_teacher_and_token_it_is_ordinary_training(cfg, samples):
    cfg.model.backbone.pop('num_prefix_tokens')
    ordinary = shipped(PLAIN)
    student, plain = (student_of(c, *w) for c, w in ((cfg, SETTINGS['neither']), (ordinary, ())))
    assert type(plain).__name__ == 'TopdownPoseEstimator'
    logs = [steps(model, cfg, samples)[0] for model in (student, plain)]
    assert logs[0] == logs[1]
    for name, value in plain.state_dict().items():
        assert torch.equal(student.state_dict()[name], value), name
    assert student.state_dict().keys() == plain.state_dict().keys()


def test_the_initial_weights_do_not_depend_on_the_teacher(cfg):
    with_it, without = student_of(cfg), student_of(cfg, 'teacher')
    for name, value in without.state_dict().items():
        assert torch.equal(with_it.state_dict()[name], value), name


def test_the_teacher_is_not_changed_and_is_no_part_of_the_student(cfg, samples, teacher):
    student = student_of(cfg)
    model = student.teacher.model
    _, wrapper = steps(student, cfg, samples)
    held = {id(p) for group in wrapper.optimizer.param_groups for p in group['params']}
    assert held == {id(p) for p in student.parameters()}
    assert not held & {id(p) for p in model.parameters()}
    for module in model.modules():
        assert not module.training
    for parameter in model.parameters():
        assert not parameter.requires_grad
        assert parameter.grad is None
    for name, value in teacher.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    plain = MODELS.build(deployment_config(cfg.model))
    assert student.state_dict().keys() == plain.state_dict().keys()
    assert not any('teacher' in name for name, _ in student.named_modules())


def test_the_teacher_moves_with_the_student(cfg):
    student = student_of(cfg).to(torch.float64)
    assert {p.dtype for p in student.teacher.model.parameters()} == {torch.float64}
    assert {b.device.type for b in student.to('meta').teacher.model.buffers()} == {'meta'}


def test_the_deployed_model_is_plain_and_has_the_same_heatmaps(cfg, samples):
    student = student_of(cfg)
    steps(student, cfg, samples)
    plain = MODELS.build(deployment_config(cfg.model))
    assert type(plain).__name__ == 'TopdownPoseEstimator'
    plain.load_state_dict(student.state_dict())
    inputs = prepare(student, samples)['inputs']
    with torch.no_grad():
        assert torch.equal(plain.eval()._forward(inputs), student.eval()._forward(inputs))


def test_the_teacher_runs_in_the_compute_type_of_the_training(cfg, samples):
    student = student_of(cfg)
    expected = student.loss(**prepare(student, samples))
    dtypes = set()
    student.teacher.model.backbone.layers[0].ffn.fc1.register_forward_hook(
        lambda module, args, output: dtypes.add(output.dtype)
    )
    wrapper = build_optim_wrapper(student, dict(cfg.optim_wrapper, type=Bf16OptimWrapper))
    with wrapper.optim_context(student):
        losses = student.loss(**prepare(student, samples))
    assert dtypes == {torch.bfloat16}
    for name, loss in losses.items():
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, expected[name], rtol=0.02, atol=0)


def test_hooks_of_heads_are_removed(cfg):
    student = student_of(cfg)
    with recorded(student.decoders()):
        assert student.head.final_layer._forward_hooks
    assert not student.head.final_layer._forward_hooks


def other_checkpoint(cfg):
    cfg.model.teacher.config = PLAIN


def no_checkpoint(cfg):
    cfg.model.teacher.checkpoint = 'nowhere.pth'


def no_config(cfg):
    cfg.model.teacher.config = 'vitpose-colossal'


def no_pose_model(cfg):
    cfg.model.teacher.config = 'mae-tiny_figures-256x192'


def no_token(cfg):
    cfg.model.token.file = 'nowhere.pth'


def checkpoint_as_token(cfg):
    cfg.model.token.file = CHECKPOINT


def token_of_another_width(cfg):
    cfg.model.token.type = 'KnowledgeToken'


def more_tokens(cfg):
    cfg.model.backbone.num_prefix_tokens = 2


def no_prefix_tokens(cfg):
    cfg.model.backbone.pop('num_prefix_tokens')


def another_teacher(cfg):
    state = torch.load(CHECKPOINT)
    state['state_dict']['backbone.norm.bias'] += 1e-3
    torch.save(state, 'another.pth')
    cfg.model.teacher.checkpoint = 'another.pth'


ERRORS = {
    other_checkpoint: r'epoch_\d+\.pth belongs to another model: it has .*with the config it was',
    no_checkpoint: r'The checkpoint nowhere\.pth does not exist: check its path',
    no_config: r'There is no config vitpose-colossal',
    no_pose_model: r'mae-tiny.*is no top-down pose model: give one as the teacher',
    no_token: r'The knowledge token nowhere\.pth does not exist: train it first, with a config of',
    checkpoint_as_token: r'epoch_\d+\.pth is no knowledge token: give the token\.pth that stage 1',
    token_of_another_width: r'token\.pth is 128 wide, the student 64: use MappedKnowledgeToken',
    more_tokens: r"a backbone with num_prefix_tokens=1, but the student's has 2: correct it",
    no_prefix_tokens: r"num_prefix_tokens=1, but the student's has 0: correct it",
    another_teacher: r'is the token of another teacher \(it\) than .*another\.pth: train the token',
}


@pytest.mark.parametrize('spoil', ERRORS, ids=lambda case: case.__name__)
def test_errors(spoil, cfg):
    spoil(cfg)
    with pytest.raises(ValueError, match=ERRORS[spoil]) as caught:
        MODELS.build(cfg.model)
    assert str(caught.value).endswith('.')


def test_heatmaps_of_another_size(cfg, samples):
    student = student_of(cfg)
    student.teacher.model.head.deconv_layers = torch.nn.Identity()
    student.teacher.model.head.final_layer = torch.nn.Conv2d(128, 17, 1)
    message = "student's heatmaps are 17x32x24 .*, the teacher's 17x16x12: give a teacher for"
    with pytest.raises(ValueError, match=message):
        student.loss(**prepare(student, samples))


def test_a_teacher_of_another_dataset(cfg, samples):
    student = student_of(cfg)
    student.teacher.datasets = dict(ap10k=17)
    with pytest.raises(ValueError, match=f'{TEACHER}.* is for ap10k, but the student learns coco'):
        student.loss(**prepare(student, samples))
