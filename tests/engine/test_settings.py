"""Values that a class does not accept give one sentence, in a config and on the command line."""

import copy
import functools
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, init_default_scope
from mmengine.utils import deprecated_api_warning
from torch import nn

from tests.helpers.demo import TINY
from vitpose_plus.commands import main
from vitpose_plus.engine import launchers, overriding, settings
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.models.arguments import accepted
from vitpose_plus.models.building import build_on_meta

SMALL = 'vitpose-small_coco-256x192'
SPLITS = ('train', 'val', 'test')


@functools.cache
def loaded(name):
    return load_config(name)


@pytest.fixture
def small():
    return copy.deepcopy(loaded(SMALL))


# Settings with an unknown key, or with a value that does not fit.
MISFITS = {
    'model.backbone=3': r'model\.backbone=3 would replace a dict: set one of its keys',
    'train_dataloader=3': r'train_dataloader=3 would replace a dict',
    'param_scheduler.7.end=3': r'param_scheduler\.7\.end=3 does not fit .*Index 7 exceeds',
    'param_scheduler.end=3': r'param_scheduler\.end=3 does not fit',
    'load_from.a=3': r'load_from\.a=3 does not fit',
    'optim_wrapper.optimizer.betas=[1,2': r'betas=\[1,2 cannot be read \(Imbalanced brackets',
    '=3': r'--cfg-options =3 has no key: give one like',
    'model..backbone=3': r'model\.\.backbone=3 has no key',
    'trian_cfg.max_epochs=3': r'trian_cfg is not in the config: write train_cfg',
    'zebra.a=3': r'zebra is not in the config: set the keys that are derived',
    'crops.udp.shift_heatmap=True': r'crops is only a variable of the config: set the keys that',
    'classic_decoder.a=3': r'classic_decoder is only a variable of the config: set the keys that',
}


@pytest.mark.parametrize('setting', MISFITS)
def test_a_setting_that_does_not_fit_is_one_sentence(setting, small):
    before = small.to_dict()
    with pytest.raises(UserError) as error:
        overriding.override(small, ['train_cfg.max_epochs=3', setting])
    assert re.search(MISFITS[setting], str(error.value)), error.value
    assert '\n' not in str(error.value)
    assert small.to_dict() == before


def test_settings_are_merged_together(small):
    """`_delete_` applies to all settings of the same dict."""
    given = ['optim_wrapper.optimizer._delete_=True', 'optim_wrapper.optimizer.type=SGD']
    overriding.override(small, [*given, 'resume=True', 'param_scheduler.0.end=7', 'val_cfg=None'])
    assert small.optim_wrapper.optimizer == dict(type='SGD')
    assert (small.resume, small.param_scheduler[0].end, small.val_cfg) == (True, 7, None)


# A place in the config, the value there, and the message (None: no error).
WRONG = [
    ('optim_warpper', (1,), r'optim_warpper is not used: correct it to optim_wrapper'),
    ('train_dataloder', (1,), r'train_dataloder is not used: correct it to train_dataload'),
    ('parm_scheduler', (1,), r'parm_scheduler is not used: correct it to param_scheduler'),
    ('custom_hook', (1,), r'custom_hook is not used: correct it to custom_hooks'),
    ('dataset', dict(a=1), None),
    ('val_cofw', dict(a=1), None),
    ('env_cfg.cudnn_benchmrk', True, r'cudnn_benchmrk is not used: .* cudnn_benchmark'),
    ('auto_scale_lr.enabled', True, r'auto_scale_lr\.enabled is not used: .* to enable'),
    ('auto_scale_lr.base_batch_size', 'x', r"base_batch_size is 'x': give a whole number"),
    ('model.test_cfg.flip_tst', True, r'test_cfg\.flip_tst is not used: .* to flip_test'),
    ('val_evaluator', 3, r'val_evaluator is 3: give a dict'),
    ('val_evaluator.score_mode', 'bad', r'val_evaluator cannot be built \(ValueError: `score_mo'),
    ('val_evaluator.ann_file', 'no.json', r'ann_file is no\.json, which does not exist: correct'),
    ('train_dataloader.collate_fn', dict(type='no'), r'collate_fn\.type is no, which is no regis'),
    ('train_dataloader.dataset.data_root', 3, r'data_root is 3, but CocoDataset takes no number'),
    ('train_dataloader.dataset.data_mode', 'x', r'dataset cannot be built \(ValueError: CocoDa'),
    ('train_dataloader.dataset.pipeline', 3, r'pipeline is 3: give a list of dicts'),
    ('train_dataloader.dataset.pipeline', [abs], None),
    ('train_cfg.by_epoch', True, r'train_cfg has type and by_epoch, but mmengine accepts only o'),
    ('optim_wrapper.clip_grad', 'x', r"optim_wrapper\.clip_grad is 'x': give a dict"),
    ('optim_wrapper.paramwise_cfg', 5, r'optim_wrapper\.paramwise_cfg is 5: give a dict'),
    ('optim_wrapper.paramwise_cfg.custom_keys', dict(a=dict(lr_mul=1)), r'custom_keys\.a\.lr_mul '),
    ('optim_wrapper.constructor', 'Nope', r'constructor\.type is Nope, which is no registered'),
    ('optim_wrapper.optimizer.type', [1], r'optimizer\.type is \[1\]: give the name of a class'),
    ('visualizer.vis_backends', 'x', r"visualizer\.vis_backends is 'x': give a list of dicts"),
    ('load_from', '', r"load_from is '': give a text"),
    ('DATA', 'folder', None),
    ('data', dict(a=1), None),
    ('val', 1, None),
    ('optim', 1, None),
    ('my_pipeline', [dict(type='Nothing')], None),
    ('val_evaluator', None, r'there is no val_evaluator: give all of val_dataloader, val_cfg, val'),
    (
        'val_evaluator.type',
        'CocoMetrik',
        r'val_evaluator\.type is CocoMetrik, which is no regis'
        r'tered metric; the closest names are CocoMetric',
    ),
    ('val_evaluator.use_aera', True, r'use_aera is no argument of CocoMetric \(the nearest is us'),
    ('train_dataloader', 3, r'train_dataloader is 3: give a dict'),
    ('train_dataloader.batch_size', 0, r'train_dataloader\.batch_size is 0: give a whole number o'),
    ('train_dataloader.batch_size', '8', r"batch_size is '8': give a whole number of at least 1"),
    ('train_dataloader.batch_size', 2.5, r'batch_size is 2\.5: give a whole number of at least 1'),
    ('val_dataloader.num_workers', -1, r'val_dataloader\.num_workers is -1: give a whole number'),
    ('train_dataloader.num_workers', 0, r'train_dataloader cannot be built \(ValueError: persis'),
    ('train_dataloader.batchsize', 8, r'batchsize is no argument of DataLoader \(the nearest is b'),
    ('train_dataloader.sampler', 'x', r"sampler is 'x': give a dict of its type and arguments"),
    ('train_dataloader.sampler.shufle', True, r'shufle is no argument of DefaultSampler \(the nea'),
    ('train_dataloader.dataset.type', 'CocoDatset', r'no registered dataset; .* are CocoDataset'),
    ('train_dataloader.dataset.anfile', '', r'anfile is no argument of CocoDataset .*ann_file'),
    ('train_dataloader.dataset.pipeline.0.color', 1, r'pipeline\.0\.color is no argument of LoadI'),
    (
        'train_dataloader.dataset.pipeline.0.type',
        'LoadImg',
        r'no registered transform; .*LoadImage',
    ),
    ('train_dataloader.dataset.pipeline.5.input_size', 'x', r'pipeline\.5 cannot be built \(Asser'),
    ('train_dataloader.dataset.pipeline.6.encoder.sigm', 2, r'encoder\.sigm is no argument of Bat'),
    ('train_dataloader.dataset._delete_', True, r'dataset has _delete_, but no base has anything'),
    ('train_dataloader._delete_', True, r'train_dataloader has _delete_, but no base has'),
    ('train_cfg.max_epochs', 'x', r"train_cfg\.max_epochs is 'x': give a whole number of at least"),
    ('train_cfg.max_epochs', -1, r'train_cfg\.max_epochs is -1: give a whole number'),
    ('train_cfg.max_epoch', 5, r'max_epoch is no argument of ExactTrainLoop \(the nearest is max'),
    ('train_cfg.type', 'ExactLoop', r'no registered loop; .*ExactTrainLoop'),
    ('optim_wrapper.type', 'AmpWrapper', r'no registered optimizer_wrapper; .*AmpOptimWrapper'),
    ('optim_wrapper.optimizer', dict(lr=1.0), r'optim_wrapper\.optimizer has no type: give the'),
    ('optim_wrapper.optimizer.type', 'AdamX', r'no registered optimizer; .*Adam'),
    ('optim_wrapper.optimizer.lr', 'fast', r'optimizer cannot be built \(TypeError'),
    ('optim_wrapper.optimizer.lr', -1.0, r'optimizer cannot be built \(ValueError: Invalid learni'),
    (
        'optim_wrapper.optimizer.weigth_decay',
        0.1,
        r'weigth_decay is no argument of AdamW .*weig',
    ),
    ('optim_wrapper.paramwise_cfg.num_layer', 2, r'num_layer is not used: .* num_layers'),
    ('optim_wrapper.clip_grad.max_nrm', 1.0, r'max_nrm is no argument of clip_grad_norm_ .*max_no'),
    ('param_scheduler.0.endd', 3, r'param_scheduler\.0\.endd is no argument of LinearLR .* is end'),
    ('param_scheduler.0.end', 'x', r"param_scheduler\.0\.end is 'x', but LinearLR takes a number"),
    ('param_scheduler.0.end', -3, r'param_scheduler\.0 cannot be built \(ValueError: '),
    ('param_scheduler.1.type', 'StepLr', r'no registered parameter scheduler; .*StepLR'),
    ('default_hooks.checkpoint.intervall', 3, r'intervall is no argument of WholeCheckpointHook'),
    ('default_hooks.checkpointt', dict(interval=3), r'default_hooks\.checkpointt has no type'),
    ('default_hooks.logger.interval', 0, r'default_hooks\.logger cannot be built \(ValueError'),
    ('default_hooks.logger.interval', 'x', r'default_hooks\.logger\.interval is .x., but LoggerHo'),
    ('custom_hooks', [dict(type='EMAHok')], r'custom_hooks\.0\.type is EMAHok, .*EMAHook'),
    ('custom_hooks', 3, r'custom_hooks is 3: give a list of dicts'),
    ('custom_hooks', [dict(type='EMAHook', priority=49)], None),
    ('visualizer.type', 'Nope', r'visualizer\.type is Nope, which is no registered visualizer'),
    (
        'visualizer.vis_backends.0.type',
        'LocalVis',
        r'vis_backends\.0\.type is LocalVis, .*LocalV',
    ),
    ('log_processor.windowsize', 3, r'windowsize is no argument of LogProcessor .*window_size'),
    ('randomness.sed', 3, r'randomness\.sed is no argument of set_randomness \(the nearest is se'),
    ('randomness.seed', -1, r'randomness\.seed is -1: give a whole number from 0 to 4294967295'),
    ('randomness.seed', 2**32, r'randomness\.seed is 4294967296'),
    ('log_level', 'LOUD', r"log_level is 'LOUD': give DEBUG, INFO"),
    ('load_from', 3, r'load_from is 3: give a text'),
    ('resume', 'a.pth', r"resume is 'a\.pth': give True or False, and the checkpoint as load_from"),
]


def put(cfg, place, value):
    *places, last = place.split('.')
    part = cfg
    for word in places:
        if not word.isdecimal() and word not in part:
            part[word] = {}
        part = part[int(word) if word.isdecimal() else word]
    part[int(last) if last.isdecimal() else last] = value


@pytest.mark.parametrize(('place', 'value', 'message'), WRONG, ids=lambda each: str(each)[:40])
def test_a_certain_fault_is_one_sentence(place, value, message, small):
    put(small, place, value)
    if message is None:
        settings.check(small, SPLITS)
        return
    with pytest.raises(UserError) as error:
        settings.check(small, SPLITS)
    assert re.search(message, str(error.value)), error.value
    assert str(error.value).startswith(small.filename)
    assert '\n' not in str(error.value)


MODELS = [
    (
        'backbone.depht',
        3,
        r'model\.backbone\.depht is no argument of ViT \(it takes arch, ',
    ),
    (
        'backbone.drop_path_rat',
        0.1,
        r'drop_path_rat is no argument of ViT \(the nearest is drop',
    ),
    ('backbone.drop_path_rate', 'x', r"drop_path_rate is 'x', but ViT takes a number"),
    ('backbone.type', 'VitBackbone', r'VitBackbone, which is no registered model; .* ViT[,:]'),
    (
        'backbone.arch',
        dict(depth='2', dim=8, num_heads=2),
        r'model cannot be built \(TypeError',
    ),
    ('backbone', 3, r'model\.backbone is 3: give a dict of its type and arguments'),
    (
        'bakbone',
        dict(type='ViT'),
        r'model\.bakbone is no argument of TopdownPoseEstim.*backbone',
    ),
    ('head.decoder.sigm', 2, r'model\.head\.decoder\.sigm is no argument of Batched.* is sigma\)'),
    ('head.loss.type', 'KeypointMseLos', r'model\.head\.loss\.type is .*KeypointMSELoss'),
    (
        'type',
        'Topdown',
        r'model\.type is Topdown, which is no registered model; .*TopdownPoseEstim',
    ),
]


@pytest.mark.parametrize(('place', 'value', 'message'), MODELS, ids=lambda each: str(each)[:40])
def test_a_model_that_cannot_be_built_is_one_sentence(place, value, message, small):
    put(small.model, place, value)
    with pytest.raises(UserError) as error:
        build_on_meta(small.model)
    assert re.search(message, str(error.value)), error.value
    assert '\n' not in str(error.value)


def test_a_name_that_a_config_uses_is_a_variable(tmp_path):
    path = tmp_path / 'mine.py'
    unused, used = 'models = [1]', 'models = [1]\nfor m in models: pass'
    for text, refused in ((unused, True), (f'{unused}  # our models', True), (used, False)):
        path.write_text(f"_base_ = ['{loaded(SMALL).filename}']\n{text}\n")
        problems = list(settings._problems(load_config(str(path)), ()))
        assert any(each.startswith('models is not used') for each in problems) is refused


def test_keys_that_modules_of_the_user_may_read_can_be_set(small):
    with pytest.raises(UserError, match='every is not in the config'):
        overriding.override(small, ['every=3'])
    small.custom_imports.imports = ['my_hooks']
    overriding.override(small, ['every=3'])
    assert small.every == 3
    with pytest.raises(UserError, match='write train_cfg'):
        overriding.override(small, ['trian_cfg.max_epochs=3'])


def test_nothing_is_written_for_a_wrong_config(workplace, capsys):
    with pytest.raises(SystemExit) as stop:
        main(['train', TINY, '--work-dir', 'out', '--cfg-options', 'model.backbone.depht=3'])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    wrong = r'model\.backbone\.depht is no argument of SinePositionViT'
    assert re.search(rf'^error: .*{TINY}\.py: {wrong}', error)
    assert not (workplace / 'out').exists()


class Open:
    """It is not known what this class does with ``rest``."""

    def __init__(self, first: int, **rest) -> None:
        self.rest = rest


class PassesOn(Open):
    def __init__(self, second: int, **rest) -> None:
        super().__init__(**rest)


class Closed(OptimWrapper):
    def __init__(self, own: int, **rest) -> None:
        super().__init__(**rest)


class Reads(OptimWrapper):
    def __init__(self, **rest) -> None:
        rest.pop('extra', None)
        super().__init__(**rest)


class Renamed(Hook):
    @deprecated_api_warning(dict(old='new'))
    def __init__(self, new: int) -> None:
        pass


def test_only_classes_with_known_arguments_are_checked():
    assert accepted(Open) is accepted(PassesOn) is accepted(Reads) is accepted(Renamed) is None
    assert set(accepted(Closed)) == {'own', 'optimizer', 'accumulative_counts', 'clip_grad'}
    assert 'bias' in accepted(nn.Linear)


def test_classes_from_custom_imports_are_checked_like_others(small):
    class MyHook(Hook):
        def __init__(self, every: int) -> None:
            self.every = every

    HOOKS.register_module(module=MyHook, name='MyOwnHook', force=True)
    small.custom_hooks = [dict(type='MyOwnHook', every=3)]
    settings.check(small, SPLITS)
    small.custom_hooks[0].everyy = small.custom_hooks[0].pop('every')
    with pytest.raises(UserError, match=r'everyy is no argument of MyHook .* is every\)'):
        settings.check(small, SPLITS)


# Faults in mmpose's own configs, and files and packages that are missing here.
KNOWN = (
    r'ann_file is .* which does not exist|file does not exist|extra_mapping_labels|'
    r'HalpeHandDataset|decay_multi is not used|albumentations is not installed|poseval'
)


@pytest.mark.slow
def test_the_stock_configs_of_mmpose_raise_no_false_alarm():
    import mmpose

    found, number = set(), 0
    for path in sorted((Path(mmpose.__file__).parent / '.mim' / 'configs').rglob('*_*/**/*.py')):
        try:
            cfg = Config.fromfile(path, format_python_code=False)
        except Exception:  # edpose's parent is not in the wheel
            continue
        if 'model' in cfg:
            number += 1
            init_default_scope(cfg.get('default_scope', 'mmpose'))
            splits = [each for each in SPLITS if cfg.get(f'{each}_dataloader')]
            found |= set(settings._problems(cfg, splits))
    assert number > 300
    assert [each for each in found if not re.search(KNOWN, each)] == []


# A launcher with its environment variables, and the message.
ENVIRONMENTS = {
    (
        'pytorch',
        '',
    ): r'--launcher pytorch needs the environment variable RANK, which is missing',
    ('pytorch', 'RANK=0 LOCAL_RANK=x WORLD_SIZE=1'): r'LOCAL_RANK, which is x: .* by torchrun',
    ('slurm', 'SLURM_PROCID=0'): r'SLURM_NTASKS, which is missing: start the processes by srun',
    ('mpi', 'OMPI_COMM_WORLD_LOCAL_RANK=-1'): r'LOCAL_RANK, which is -1: .* by mpirun',
}


@pytest.mark.parametrize(('launcher', 'given'), ENVIRONMENTS)
def test_a_launcher_needs_its_environment_variables(launcher, given, monkeypatch):
    for name in launchers.ENVIRONMENT[launcher]:
        monkeypatch.delenv(name, raising=False)
    for word in given.split():
        monkeypatch.setenv(*word.split('='))
    with pytest.raises(UserError, match=ENVIRONMENTS[launcher, given]):
        launchers.check(launcher)


def test_without_a_launcher_no_variable_is_needed():
    launchers.check('none')
