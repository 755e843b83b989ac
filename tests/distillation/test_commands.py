"""The ordinary commands train a distilled student, from a trained teacher."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS, MODELS

from tests.helpers.students import CHECKPOINT, STAGE_1, STUDENT, prepare, shipped, student_of
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.commands import main
from vitpose_plus.distillation import KnowledgeTokenHook
from vitpose_plus.distillation.caching import decoding_once
from vitpose_plus.distillation.token_file import fingerprint, read_token
from vitpose_plus.engine import preflight
from vitpose_plus.models.building import deployment_config

OPTIONS = [
    'randomness.seed=0',
    'train_cfg.max_epochs=1',
    'train_dataloader.batch_size=4',
    'train_dataloader.dataset.indices=4',
    'optim_wrapper.optimizer.lr=0.01',
]


def deterministic(cfg):
    """Two short epochs without random augmentation, each with a checkpoint."""
    dataset = cfg.train_dataloader.dataset
    dataset.pipeline = [t for t in dataset.pipeline if not t.type.startswith('Random')]
    dataset.indices = 4
    cfg.train_dataloader.batch_size = 2
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[1])]
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
    cfg.randomness = dict(seed=0)
    return cfg


def train(cfg, name, *options):
    cfg.dump(f'{name}.py')
    main(['train', f'{name}.py', '--work-dir', name, '--no-validate', *options])


def refused(capsys, *command):
    """Runs a command that is refused; returns its message, which is one line."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in command])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.count('\n') == 0
    return error


def test_stage_1_writes_the_token_and_its_teacher(teacher):
    main(['train', STAGE_1, '--no-validate', '--cfg-options', *OPTIONS])
    saved = read_token(f'work_dirs/{STAGE_1}/token.pth')
    state = reading.read(f'work_dirs/{STAGE_1}/epoch_1.pth')
    assert torch.equal(saved.token, state['backbone.prefix_tokens'])
    assert saved.teacher == f'{STAGE_1}, {CHECKPOINT}'
    assert saved.sha256 == fingerprint(teacher.state_dict())
    for name, value in teacher.state_dict().items():
        assert torch.equal(state[name], value), name


def test_a_resumed_stage_1_keeps_the_teacher_of_its_token():
    hook, runner = KnowledgeTokenHook(), SimpleNamespace(cfg=Config(dict(load_from='epoch_1.pth')))
    hook.after_load_checkpoint(runner, dict(state_dict={}, teacher='the first one'))
    assert hook.teacher == 'the first one'


def test_stage_1_needs_a_teacher(teacher, capsys):
    options = [*OPTIONS, 'load_from=None']
    error = refused(capsys, 'train', STAGE_1, '--no-validate', '--cfg-options', *options)
    assert "but loads no teacher: give the teacher's checkpoint as load_from" in error


def test_a_student_is_resumed_exactly(cfg):
    cfg = deterministic(cfg)
    train(cfg, 'direct')
    train(cfg, 'resumed', '--resume', 'direct/epoch_1.pth')
    direct, resumed = (torch.load(f'{name}/epoch_2.pth') for name in ('direct', 'resumed'))
    first = torch.load('direct/epoch_1.pth')
    for part in ('state_dict', 'token_map'):
        assert direct[part].keys() == resumed[part].keys()
        for name, value in direct[part].items():
            assert torch.equal(resumed[part][name], value), name
    for moment in ('exp_avg', 'exp_avg_sq'):
        for key, state in direct['optimizer']['state'].items():
            assert torch.equal(resumed['optimizer']['state'][key][moment], state[moment])
    assert len(direct['token_map']) == 2
    assert not any('parametrizations' in name for name in direct['state_dict'])
    tokens = [c['state_dict']['backbone.prefix_tokens'] for c in (first, direct)]
    assert not torch.equal(*tokens)


def test_the_deployed_model_works_with_all_commands(cfg, samples):
    """The config is that of the distillation; the teacher's checkpoint is deleted."""
    student = student_of(cfg)
    writing.write('student.pth', student.state_dict())
    Path(CHECKPOINT).unlink()
    options = ['--cfg-options', 'test_dataloader.dataset.indices=2']
    main(['test', STUDENT, 'student.pth', '--out', 'metrics.json', *options])
    assert 'coco/AP' in json.loads(Path('metrics.json').read_text())
    main(['convert', 'student.pth', 'converted.pth', '--config', STUDENT])
    plain = MODELS.build(deployment_config(cfg.model)).eval()
    plain.load_state_dict(reading.read('converted.pth'))
    inputs = prepare(student, samples)['inputs']
    with torch.no_grad():
        assert torch.equal(plain._forward(inputs), student.eval()._forward(inputs))


def test_other_layouts_cannot_store_the_token(cfg, capsys):
    writing.write('student.pth', student_of(cfg).state_dict())
    command = ['convert', 'student.pth', 'other.pth', '--target', 'official', '--config', STUDENT]
    error = refused(capsys, *command)
    assert re.search(r"\.prefix_tokens' cannot be stored in the authors' layout: .*keep", error)


def test_a_student_starts_from_an_encoder_as_any_other_model(cfg):
    state = student_of(cfg).state_dict()
    start = {k: v for k, v in state.items() if k.startswith('backbone.') and 'prefix' not in k}
    writing.write('start.pth', start)
    cfg.model.backbone.init_cfg = dict(
        type='Pretrained', checkpoint='start.pth', prefix='backbone.'
    )
    preflight.check_checkpoints(cfg)
    student = student_of(cfg)
    before = student.backbone.prefix_tokens.detach().clone()
    student.init_weights()
    for name, value in start.items():
        assert torch.equal(student.state_dict()[name], value), name
    assert torch.equal(student.backbone.prefix_tokens, before)


def test_preflight_compares_the_datasets(cfg, capsys):
    cfg.train_dataloader.dataset.update(
        type='AP10KDataset',
        data_root='work_dirs/experiments/grey/ap10k',
        ann_file='annotations/ap10k-train-split1.json',
        data_prefix=dict(img='data/'),
    )
    cfg.dump('student.py')
    error = refused(capsys, 'train', 'student.py', '--no-validate', '--work-dir', 'out')
    assert re.search(r'teacher .* is for coco, but the student learns ap10k: give a teacher', error)
    assert not Path('out').exists()


@pytest.fixture
def cached(cfg):
    """The student without augmentation, and the cache of its teacher's heatmaps."""
    cfg = deterministic(cfg)
    cfg.dump('running.py')
    main(['cache-heatmaps', 'running.py', 'cache'])
    return cfg


def test_cached_heatmaps_give_the_same_losses(cached):
    dataset = DATASETS.build(cached.train_dataloader.dataset)
    all_samples = [dataset[i] for i in range(4)]
    running = student_of(cached)
    cached.model.teacher = dict(type='CachedTeacher', folder='cache')
    reading = student_of(cached)  # its token is that of this teacher
    expected, losses = (s.loss(**prepare(s, all_samples)) for s in (running, reading))
    assert torch.equal(losses['loss_kpt'], expected['loss_kpt'])
    torch.testing.assert_close(losses['loss_output'], expected['loss_output'], rtol=1e-3, atol=0)
    assert losses['loss_output'] > 0
    reading.to(torch.float64)  # it has nothing to move


def test_pictures_of_the_cache_are_decoded_once_and_samples_are_the_same(cfg):
    given = deterministic(cfg).train_dataloader.dataset
    once = decoding_once(given)
    assert [c.pipeline[0].type for c in (given, once)] == ['LoadImage', 'LoadImageOnce']
    one, other = DATASETS.build(given), DATASETS.build(once)
    for i in range(4):
        assert torch.equal(one[i]['inputs'], other[i]['inputs'])


def test_a_crop_that_is_not_the_cached_one(cached, samples):
    cached.model.teacher = dict(type='CachedTeacher', folder='cache')
    student = student_of(cached)
    data = prepare(student, samples[:1])
    data['inputs'] = data['inputs'].flip(-1)
    with pytest.raises(ValueError, match=r'cache has heatmaps of another crop of coco \d+: train'):
        student.loss(**data)
    data['data_samples'][0].set_field(-1, 'id', field_type='metainfo')
    with pytest.raises(ValueError, match='cache has no heatmaps of coco -1: write it again from'):
        student.loss(**data)


def test_a_broken_cache_and_a_cache_of_another_teacher(cached):
    cached.model.teacher = dict(type='CachedTeacher', folder='cache')
    about = json.loads(Path('cache/teacher.json').read_text())
    Path('cache/teacher.json').write_text(json.dumps(dict(about, sha256='other')))
    with pytest.raises(ValueError, match='is the token of another teacher'):
        MODELS.build(cached.model)
    Path('cache/coco.npy').write_bytes(b'')
    with pytest.raises(ValueError, match=r'cache is no cache of heatmaps, or not complete .*: w'):
        MODELS.build(cached.model)
    cached.model.teacher.folder = 'nowhere'
    with pytest.raises(ValueError, match=r'nowhere is no cache of heatmaps, or not complete .*: w'):
        MODELS.build(cached.model)


def test_a_cache_that_cannot_be_written(cfg, capsys):
    error = refused(capsys, 'cache-heatmaps', STUDENT, 'cache')
    assert 'augments its samples, so their heatmaps differ in every epoch: remove' in error
    error = refused(capsys, 'cache-heatmaps', 'vitpose-tiny_figures-128x96', 'cache')
    assert 'has no running teacher: give the config of a student with teacher=' in error
    Path('cache').mkdir()
    error = refused(capsys, 'cache-heatmaps', STUDENT, 'cache')
    assert error == 'error: cache exists: give another name, or move it away.'
    assert shipped(STUDENT).model.teacher.type == 'RunningTeacher'
