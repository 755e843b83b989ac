"""new-dataset --expert-of: one expert and one head are trained, and nothing that is shared."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner

from tests.helpers.label_files import WRITERS, example
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import Child, finished
from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.experts import expert_weights, mean_expert, shared_weights
from vitpose_plus.commands import main
from vitpose_plus.engine import preflight
from vitpose_plus.engine.starting import report_start
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.experiments.new_dataset.trained_parts import trained_parts
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.ffn import ExpertLinear

CONFIG = 'vitpose-plus-tiny_figures-256x192'
OF = ('--expert-of', CONFIG, 'plus.pth')
SMALL = ('batch_size=2', 'workers=0', 'epochs=2', 'repeats=1', 'warm_up=1')
AP10K = 3  # the number of its expert


@pytest.fixture
def labels(tmp_path, monkeypatch):
    """The names of label files in the working folder, with one instance in each picture."""
    monkeypatch.chdir(tmp_path)
    [file] = WRITERS['coco'](example(tmp_path / 'pictures'), tmp_path / 'pictures')
    content = json.loads(Path(file).read_text())
    content['annotations'] = [one for one in content['annotations'] if one['num_keypoints'] == 4]
    Path(file).write_text(json.dumps(content))
    Path('plus.pth').symlink_to(FILE)
    return [str(file), '--pictures', 'pictures']


def make(*words):
    """Writes the folder ``mouse`` with a training of a few steps; returns its config."""
    main(['new-dataset', 'mouse', *words])
    path = Path('mouse/config.py')
    lines = path.read_text().splitlines()
    for change in SMALL:
        key = change.split('=')[0]
        lines = [
            f'        {change},' if line.strip().startswith(f'{key}=') else line for line in lines
        ]
    path.write_text('\n'.join(lines))
    return load_config('mouse', format_python_code=False)


def runner(cfg):
    cfg.work_dir = 'work'
    return Runner.from_cfg(cfg)


def exact(given, state):
    """Asserts that tensors are equal bit for bit, after the exact cast to the model's precision."""
    for key, value in given.items():
        assert torch.equal(state[key], value.to(state[key])), key


def started(cfg):
    run = runner(cfg)
    run._init_model_weights()
    return run.model


@pytest.mark.forks
def test_training_leaves_the_shared_weights_and_the_result_is_tested_and_predicts(labels):
    make(*labels, *OF, '--like', 'ap10k', '--boxes', 'whole')
    printed = finished(Child(lambda: main(['train', 'mouse'])))
    assert 'its expert starts as that of ap10k; left out: the experts of coco, aic' in printed
    assert 'as that of ap10k, without its last layer: 12 tensors; left out: the heads of' in printed
    state, given = (reading.read(path) for path in ('work_dirs/mouse/best.pth', 'plus.pth'))
    shared = shared_weights(given)
    assert shared_weights(state).keys() == shared.keys()
    exact(shared, state)
    for key, value in expert_weights(given, AP10K).items():
        assert state[key].shape == value.shape
        assert not torch.equal(state[key], value.to(state[key]))
    finished(Child(lambda: main(['test', 'mouse', 'work_dirs/mouse/best.pth'])))
    words = [
        'predict',
        'pictures',
        '--model',
        'work_dirs/mouse',
        '--out',
        'predicted',
        '--format',
        'csv',
    ]
    finished(Child(lambda: main(words)))
    assert list(Path('predicted').rglob('*.csv'))


@pytest.mark.forks
def test_only_the_expert_and_the_head_are_trained_and_all_of_them(labels):
    cfg = make(*labels, *OF, '--boxes', 'whole')
    assert cfg.default_hooks.checkpoint.save_best == 'mouse/EPE'
    finished(Child(lambda: _check_optimiser(cfg)))


def _check_optimiser(cfg):
    run = runner(cfg)
    run._init_model_weights()
    model = run.model
    expected = {
        parameter
        for module in (model.head, *model.modules())
        if module is model.head or isinstance(module, ExpertLinear)
        for parameter in module.parameters()
    }
    wrapper = run.build_optim_wrapper(run.optim_wrapper)
    held = [one for group in wrapper.optimizer.param_groups for one in group['params']]
    assert len(held) == len(set(held))
    assert set(held) == expected
    model.train()
    batch = next(iter(run.build_dataloader(run._train_dataloader)))
    data = model.data_preprocessor(batch, training=True)
    sum(model.loss(data['inputs'], data['data_samples']).values()).backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in held)


@pytest.mark.forks
def test_the_starts(labels):
    given = reading.read('plus.pth')
    for words, expert in (
        (('--like', 'ap10k'), expert_weights(given, AP10K)),
        ((), mean_expert(given)),
    ):
        cfg = make(*labels, *OF, *words, '--force')
        finished(Child(lambda cfg=cfg, expert=expert: _check_start(cfg, given, expert)))


def _check_start(cfg, given, expert):
    state = started(cfg).state_dict()
    exact(shared_weights(given) | expert, state)
    like = {
        key.replace('ap10k', 'mouse'): value
        for key, value in given.items()
        if key.startswith('head.heads.ap10k.') and 'final_layer' not in key
    }
    assert like
    if cfg.model.backbone.init_cfg.type == 'PretrainedExpert':
        exact(like, state)
    else:
        kernels = [key for key, value in like.items() if value.ndim == 4]
        assert not any(torch.equal(state[key], like[key].to(state[key])) for key in kernels)


def logged(cfg, path=None):
    """What the training logs about its start; from another file, if one is given."""
    if path:
        cfg.model.backbone.init_cfg.checkpoint = path
        cfg.model.head.head.init_cfg[-1].checkpoint = path
    lines = []
    report_start(cfg, SimpleNamespace(info=lines.append))
    return lines


def test_the_log_names_the_starts_of_the_expert_and_of_the_head(labels):
    [line] = logged(make(*labels, *OF))
    assert line.endswith(
        'the mean of those of coco, aic, mpii, ap10k, apt36k, coco_wholebody; left out: head.'
    )
    cfg = make(*labels, *OF, '--like', 'ap10k', '--force')
    others = 'coco, aic, mpii, apt36k, coco_wholebody.'
    first, second = logged(cfg, 'plus.pth')
    assert first.endswith(
        f'; its expert starts as that of ap10k; left out: the experts of {others}'
    )
    assert second == (
        'The head starts from plus.pth as that of ap10k, without its last layer: 12 tensors; '
        f'left out: the heads of {others}'
    )
    state = {key: value for key, value in reading.read('plus.pth').items() if 'ap10k' not in key}
    torch.save(state, 'without.pth')
    first, second = logged(cfg, 'without.pth')
    assert first.endswith(f'; left out: head, the experts of {others}')
    assert second == 'The head starts from random weights: without.pth has no head of ap10k.'
    kept = {k: v for k, v in reading.read('plus.pth').items() if 'ap10k.deconv' not in k}
    torch.save(kept, 'final.pth')
    assert logged(cfg, 'final.pth')[1] == (
        'The head starts from random weights: final.pth has only the last layer of the head of '
        'ap10k.'
    )


def test_another_checkpoint_is_refused_with_the_command(labels):
    cfg = make(*labels, *OF)
    state = {k: v for k, v in reading.read('plus.pth').items() if 'layers.3.' not in k}
    torch.save(state, 'three.pth')
    cfg.model.backbone.init_cfg.checkpoint = 'three.pth'
    command = 'write mouse again with vitpose new-dataset NAME LABELS --expert-of CONFIG three.pth'
    with pytest.raises(UserError, match=f'three.pth has 3 layers .* has 4 layers .*: {command}'):
        preflight.check_checkpoints(cfg)


@pytest.mark.parametrize('ffn', ['PartiallySharedFFN', 'IndividualFFN', 'IndividualSharedFFN'])
@pytest.mark.parametrize('word', ['expert', 'expert+norms', 'last-1', 'last-4'])
def test_a_backbone_trains_exactly_the_named_parts(word, ffn):
    cfg = dict(type='ViT', arch='tiny', ffn=dict(type=ffn, num_experts=1))
    parts = trained_parts(word)
    backbone = build_on_meta(cfg)
    built = build_on_meta(dict(cfg, frozen=parts.frozen(backbone)))
    found = {name for name, one in built.named_parameters() if one.requires_grad}
    assert found == parts.trained(backbone)
    experts = {name for name in found if 'experts.' in name}
    assert experts
    assert parts.can_be_joined == (found == experts)


def test_the_command_says_at_once_whether_the_result_can_be_joined(labels, capsys):
    make(*labels, *OF)
    assert 'The shared weights stay as they are: `vitpose join` can add' in capsys.readouterr().out
    cfg = make(*labels, *OF, '--train', 'last-2', '--force')
    out = capsys.readouterr().out
    assert 'The shared weights change, so `vitpose join` will refuse the result.' in out
    assert set(cfg.model.backbone.frozen) == {'patch_embed', 'pos_embed', '0', '1'}


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ((*OF, '--pretrained', 'plus.pth'), '--expert-of starts from its CHECKPOINT: leave'),
        ((*OF, '--expert', 'coco'), '--expert-of starts from its CHECKPOINT: leave --expert'),
        (('--like', 'coco'), '--like is for a new expert: give --expert-of, too'),
        (('--train', 'expert'), '--train is for a new expert: give --expert-of, too'),
        ((*OF, '--like', 'ap10'), "plus.pth has no expert 'ap10'; the closest names are ap10k"),
        ((*OF, '--train', 'experts'), '--train experts is not known; the closest names are expert'),
        ((*OF, '--train', 'last-5'), '--train last-5: the model has 4 layers: give last-1 to'),
        ((*OF[:2], 'nothing.pth'), 'The checkpoint nothing.pth does not exist'),
        ((*OF[:2], 'part.pth'), "part.pth belongs to another model: it lacks 'backbone.norm.bias'"),
        ((OF[0], 'vitpose-tiny_figures-128x96', OF[2]), 'configs'),
    ],
)
def test_wrong_arguments_are_one_sentence_and_nothing_is_written(words, message, labels, capsys):
    state = dict(reading.read('plus.pth'))
    del state['backbone.norm.bias']
    torch.save(state, 'part.pth')
    before = sorted(Path().rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(['new-dataset', 'mouse', *labels, *words])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    if message == 'configs':
        assert 'has no model with experts and a head for each dataset: give the config' in error
    else:
        assert error.startswith(f'error: {message}')
    assert sorted(Path().rglob('*')) == before
