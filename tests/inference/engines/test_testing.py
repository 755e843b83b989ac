"""``test CONFIG FILE``: a file must fit the config; it gives the metrics of the model."""

from dataclasses import replace
from functools import cache

import pytest
from mmengine.registry import init_default_scope

from tests.helpers.demo import TINY
from tests.helpers.small_files import EXPERTS, KEYPOINTS, PLAIN, write
from tests.helpers.tiny_figures import FILE
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.splitting import split_config
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.inference.engines.testing import use_file
from vitpose_plus.inference.models import load


@cache
def parts():
    """The datasets of the demo's model."""
    return describe(load(TINY, str(FILE)), Options()).datasets


def described(description, count=None):
    """A description with the datasets of the demo's config."""
    return replace(description, datasets=parts()[:count], has_experts=count is None)


def test_a_file_takes_the_place_of_the_model(tiny_config, tmp_path):
    path = write(tmp_path / 'file.onnx', described(EXPERTS))
    settings = dict(tiny_config.model.test_cfg)
    own = {each.dataset: dict(each.test_cfg) for each in tiny_config.model.head.heads}
    assert use_file(tiny_config, path) == []
    model = tiny_config.model
    assert (model.type, model.head.type) == ('MultiDatasetTopdown', 'MultiDatasetHead')
    assert model.backbone.file == str(path)
    assert model.test_cfg == settings
    assert settings['flip_test']
    assert {each.dataset: dict(each.test_cfg) for each in model.head.heads} == own
    assert tiny_config.load_from is None


@pytest.mark.filterwarnings('ignore:The current default scope:UserWarning')
def test_the_scope_of_registries_is_set(tiny_config, tmp_path):
    """Nothing has set it when the command runs."""
    init_default_scope('mmengine')
    path = write(tmp_path / 'file.onnx', described(EXPERTS))
    assert use_file(tiny_config, path) == []


@pytest.mark.parametrize('kind', [KEYPOINTS, EXPERTS])
def test_a_flip_test_in_the_file_is_not_repeated(kind, tiny_config, tmp_path):
    description = replace(described(kind), flip_test=True)
    path = write(tmp_path / 'file.onnx', description)
    tiny_config.model.head.heads[2].setdefault('test_cfg', {}).update(flip_test=True)
    assert use_file(tiny_config, path) == []
    assert tiny_config.model.test_cfg.flip_test is False
    heads = tiny_config.model.head.get('heads', [])
    assert not any(head.test_cfg.flip_test for head in heads)


def test_a_flip_test_that_the_config_does_not_want_is_noted(tiny_config, tmp_path):
    description = replace(described(KEYPOINTS), flip_test=True)
    tiny_config.model.test_cfg.flip_test = False
    [note] = use_file(tiny_config, write(tmp_path / 'file.onnx', description))
    assert 'always averaged' in note


def test_a_flip_test_that_one_dataset_does_not_want_is_noted(tiny_config, tmp_path):
    """As a dataset without flips that ``join`` added."""
    description = replace(described(EXPERTS), flip_test=True)
    tiny_config.model.head.heads[2].setdefault('test_cfg', {}).update(flip_test=False)
    [note] = use_file(tiny_config, write(tmp_path / 'file.onnx', description))
    assert 'always averaged' in note


def without_flip_test(cfg):
    cfg.model.test_cfg.flip_test = False


def with_launcher(cfg):
    cfg.launcher = 'pytorch'


def with_strategy(cfg):
    cfg.strategy = dict(type='FSDPStrategy')


def with_parts(description, **changes):
    return replace(
        description, datasets=tuple(replace(part, **changes) for part in description.datasets)
    )


def other_size(description):
    skeletons = [replace(part.skeleton, input_wh=(288, 384)) for part in description.datasets]
    pairs = zip(description.datasets, skeletons, strict=True)
    return replace(description, datasets=tuple(replace(part, skeleton=own) for part, own in pairs))


def other_udp(description):
    return with_parts(description, use_udp=False)


def other_shape(description):
    return with_parts(description, is_stretched=True)


@pytest.mark.parametrize(
    ('kind', 'change', 'adapt', 'words'),
    [
        (KEYPOINTS, None, None, 'export the model with --flip-test, or add --cfg-options'),
        (EXPERTS, with_launcher, None, 'runs in one process: leave out --launcher'),
        (EXPERTS, with_strategy, None, 'use a config without `strategy`'),
        (EXPERTS, None, other_size, r'crops of coco with input_size=\(192, 256\), .*\(288, 384\)'),
        (EXPERTS, None, other_udp, 'crops of coco with use_udp=True, but .* needs False'),
        (EXPERTS, None, other_shape, 'crops of coco with stretched=False, but .* needs True'),
    ],
)
def test_a_file_that_does_not_fit_the_config_is_refused(
    kind, change, adapt, words, tiny_config, tmp_path
):
    description = described(kind)
    path = write(tmp_path / 'file.onnx', adapt(description) if adapt else description)
    if change:
        change(tiny_config)
    model = tiny_config.model
    with pytest.raises(UserError, match=words):
        use_file(tiny_config, path)
    assert tiny_config.model is model


def test_a_file_of_one_dataset_does_not_fit_the_config_of_six(tiny_config, tmp_path):
    path = write(tmp_path / 'file.onnx', described(PLAIN, count=1))
    with pytest.raises(UserError, match=r'tests aic with 14 keypoints, but .* keypoints of coco:'):
        use_file(tiny_config, path)


def test_as_many_keypoints_with_other_names_are_refused(tiny_config, tmp_path):
    """COCO and AP-10K have 17 keypoints each."""
    path = write(tmp_path / 'file.onnx', described(PLAIN, count=1))
    for name in ('coco', 'ap10k'):
        cfg = split_config(tiny_config, name)
        cfg.model.test_cfg.flip_test = False
        if name == 'coco':
            assert use_file(cfg, path) == []
        else:
            with pytest.raises(UserError, match=r'tests ap10k with 17 keypoints, but .* of coco:'):
                use_file(cfg, path)


def test_a_config_without_crops_is_refused(tiny_config, tmp_path):
    path = write(tmp_path / 'file.onnx', described(EXPERTS))
    for part in tiny_config.test_dataloader.dataset.datasets:
        part.pipeline = [step for step in part.pipeline if 'Affine' not in step['type']]
    with pytest.raises(UserError, match='makes no crops'):
        use_file(tiny_config, path)


def test_a_file_of_other_datasets_is_refused(tiny_config, tmp_path):
    path = write(tmp_path / 'file.onnx', EXPERTS)
    with pytest.raises(UserError, match='is a model of the datasets coco, ap10k, but'):
        use_file(tiny_config, path)
