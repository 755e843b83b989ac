"""Students and teachers of several datasets are matched by the datasets' names."""

from copy import deepcopy

import pytest
import torch
from mmpose.registry import DATASETS, MODELS

from tests.helpers.comparing import assert_same
from tests.helpers.students import PLAIN, prepare, shipped, stirred
from vitpose_plus.checkpoints import split
from vitpose_plus.commands import main
from vitpose_plus.distillation.token_file import SavedToken, fingerprint, write_token
from vitpose_plus.models.building import deployment_config

WIDTH = 192  # the teacher's


@pytest.fixture
def teacher_cfg(tiny_config):
    """A wider model of the six datasets, with the experts in another order."""
    cfg = deepcopy(tiny_config)
    cfg.model.backbone.arch = dict(depth=2, dim=WIDTH, num_heads=4)
    cfg.model.head.head.in_channels = WIDTH
    cfg.model.head.heads = cfg.model.head.heads[::-1]
    return cfg


@pytest.fixture
def teacher(teacher_cfg):
    """The teacher's model; its files are where ``cfg`` expects them."""
    teacher = stirred(MODELS.build(teacher_cfg.model)).eval()
    teacher_cfg.dump('teacher.py')
    torch.save(teacher.state_dict(), 'teacher.pth')
    token = SavedToken(torch.randn(1, 1, WIDTH), 'it', fingerprint(teacher.state_dict()))
    write_token('token.pth', token)
    return teacher


@pytest.fixture
def cfg(tiny_config, teacher):
    """A student with a teacher and a token."""
    tiny_config.model.update(
        type='DistilledMultiDatasetTopdown',
        teacher=dict(type='RunningTeacher', config='teacher.py', checkpoint='teacher.pth'),
        token=dict(type='MappedKnowledgeToken', file='token.pth'),
    )
    tiny_config.model.backbone.update(arch=dict(depth=2, dim=64, num_heads=2), num_prefix_tokens=1)
    tiny_config.model.head.head.in_channels = 64
    return tiny_config


@pytest.fixture
def samples(cfg):
    """Two samples of COCO, none of MPII, and one of each other dataset, mixed."""
    parts = DATASETS.build(cfg.train_dataloader.dataset).datasets
    return [parts[i][j] for i, j in ((5, 0), (0, 0), (4, 0), (1, 0), (0, 1), (3, 0))]


def student_of(cfg):
    torch.manual_seed(3)
    return stirred(MODELS.build(cfg.model)).train()


@pytest.mark.parametrize('head', ['MultiDatasetHead', 'WholeBatchMultiDatasetHead'])
def test_each_dataset_is_weighted_by_its_share(head, cfg, samples, teacher):
    cfg.model.head.type = head
    student = student_of(cfg)
    for module in student.modules():  # so that outputs do not depend on the batch
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    data = prepare(student, samples)
    losses = student.loss(**data)
    with torch.no_grad():
        predicted, taught = (model._forward(**data) for model in (student, teacher))
    names = [sample.dataset_name for sample in data['data_samples']]
    for name in student.head.names:
        rows = [row for row, other in enumerate(names) if other == name]
        expected = sum(((predicted[i] - taught[i]) ** 2).mean() for i in rows) / len(names)
        assert_same(losses[f'{name}.loss_output'], torch.as_tensor(expected))
        assert (expected > 0) == (name != 'mpii')


def test_every_parameter_that_is_trained_gets_a_gradient(cfg, samples):
    student = student_of(cfg)
    sum(student.loss(**prepare(student, samples)).values()).backward()
    for name, parameter in student.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name


def test_a_student_is_split_as_any_other_model(cfg, samples):
    """The result is a plain model of one dataset, with the token and the same heatmaps."""
    student = student_of(cfg).eval()
    cfg.model = deployment_config(cfg.model)
    state, plain_cfg = split(student.state_dict(), cfg, 'ap10k')
    plain = MODELS.build(plain_cfg.model)
    plain.load_state_dict(state)
    data = prepare(student, [s for s in samples if s['data_samples'].dataset_name == 'ap10k'])
    with torch.no_grad():
        [expected] = student._forward(**data)
        [found] = plain.eval()._forward(data['inputs'])
    assert_same(found, expected)
    assert (state['backbone.prefix_tokens'] == student.backbone.prefix_tokens).all()


def test_a_plain_student_may_have_a_teacher_of_several_datasets(cfg, samples, teacher, place):
    plain_cfg = shipped(PLAIN)
    plain_cfg.model.update(type='DistilledTopdown', teacher=cfg.model.teacher)
    plain_cfg.model.backbone.patch = cfg.model.backbone.get('patch')
    student = stirred(MODELS.build(plain_cfg.model))
    student.head.deconv_layers.append(
        torch.nn.Upsample(scale_factor=2.0)
    )  # as large as the teacher's
    data = prepare(student, [s for s in samples if s['data_samples'].dataset_name == 'coco'])
    losses = student.loss(**data)
    with torch.no_grad():
        taught = torch.stack(teacher._forward(**data))
        predicted = student._forward(data['inputs'])
    assert_same(losses['loss_output'], ((predicted - taught) ** 2).mean())


def test_heatmaps_are_cached_for_each_dataset(cfg):
    for part in cfg.train_dataloader.dataset.datasets:
        part.pipeline = [t for t in part.pipeline if not t.type.startswith('Random')]
        part.indices = 2
    cfg.dump('student.py')
    main(['cache-heatmaps', 'student.py', 'cache'])
    running = student_of(cfg)
    cfg.model.teacher = dict(type='CachedTeacher', folder='cache')
    reading = student_of(cfg)
    assert reading.teacher.datasets == running.teacher.datasets
    all_samples = [part[1] for part in DATASETS.build(cfg.train_dataloader.dataset).datasets]
    expected, losses = (s.loss(**prepare(s, all_samples)) for s in (running, reading))
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, rtol=1e-3, atol=0)


def test_a_teacher_of_some_of_the_datasets(cfg, teacher_cfg):
    teacher_cfg.model.head.heads = teacher_cfg.model.head.heads[1:]
    teacher_cfg.model.backbone.ffn.num_experts = 5
    teacher_cfg.dump('teacher.py')
    torch.save(MODELS.build(teacher_cfg.model).state_dict(), 'teacher.pth')
    cfg.model.pop('token')
    message = 'is for apt36k, ap10k, mpii, aic, coco, but the student learns coco_wholebody: give'
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg.model)


def test_a_teacher_of_other_keypoints(cfg, teacher_cfg):
    teacher_cfg.model.head.heads[0].num_keypoints = 100
    teacher_cfg.dump('teacher.py')
    torch.save(MODELS.build(teacher_cfg.model).state_dict(), 'teacher.pth')
    cfg.model.pop('token')
    with pytest.raises(ValueError, match='has 100 keypoints of coco_wholebody, the student has 1'):
        MODELS.build(cfg.model)
