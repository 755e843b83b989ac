"""Models that cannot be exported are refused in one sentence, before anything is computed."""

from copy import deepcopy
from dataclasses import replace

import pytest
from mmengine.dataset import Compose
from mmpose.registry import MODELS

from tests.helpers.small_files import PLAIN, write
from vitpose_plus.errors import UserError
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporting import fold
from vitpose_plus.inference.models import load

BOTH = [Options(), Options('heatmaps')]
SIMCC = dict(
    type='SimCCHead',
    in_channels=16,
    out_channels=17,
    input_size=(96, 128),
    in_featuremap_size=(6, 8),
    deconv_out_channels=None,
)
REGRESSION = dict(type='RegressionHead', in_channels=16, num_joints=17)


@pytest.fixture
def changed(plain):
    """A copy of the plain model that a test may change."""
    return replace(plain, network=deepcopy(plain.network))


@pytest.mark.parametrize('options', BOTH)
@pytest.mark.parametrize('head', [SIMCC, REGRESSION])
def test_heads_without_heatmaps(changed, head, options):
    changed.network.head = MODELS.build(head)
    with pytest.raises(
        UserError, match=rf'has a {head["type"]}, but export needs .* \(HeatmapHead'
    ):
        describe(changed, options)


@pytest.mark.parametrize('options', BOTH)
def test_a_head_without_a_codec(changed, options):
    changed.network.head.decoder = None
    with pytest.raises(UserError, match=r'has no decoder, .* add model\.head\.decoder'):
        describe(changed, options)


def test_settings_that_select_keypoints(changed, trained):
    changed.network.test_cfg['output_keypoint_indices'] = [0, 1]
    with pytest.raises(UserError, match='output_keypoint_indices selects some'):
        describe(changed, Options())
    own = trained.network.head.dataset_test_cfg['ap10k']
    own['output_keypoint_indices'] = [0]
    try:
        with pytest.raises(UserError, match='output_keypoint_indices selects some'):
            describe(trained, Options())
    finally:
        del own['output_keypoint_indices']


def test_steps_that_predict_does_not_repeat(changed):
    steps = list(changed.pipelines['coco'].transforms)
    steps.insert(1, dict(type='RandomFlip', direction='horizontal'))
    changed = replace(changed, pipelines=dict(coco=Compose(steps)))
    with pytest.raises(UserError, match='pipeline of coco has the step RandomFlip, which'):
        describe(changed, Options())
    changed.pipelines['coco'].transforms = steps[:1]
    with pytest.raises(UserError, match='of coco has no TopdownAffine'):
        describe(changed, Options())


@pytest.fixture
def several(changed, trained):
    """A plain model of 17 keypoints that is tested on six datasets."""
    return replace(
        changed,
        skeletons=trained.skeletons,
        metainfo=trained.metainfo,
        pipelines=trained.pipelines,
    )


def test_one_head_for_several_datasets_is_exported_for_one_of_them(several):
    with pytest.raises(UserError, match=r'one head for several datasets: choose one of coco, aic'):
        describe(several, Options())
    with pytest.raises(UserError, match=r'has 17 maps for 16 keypoints, but export needs'):
        describe(fold(several, 'mpii'), Options())
    folded = fold(several, 'ap10k')
    assert describe(folded, Options()).names == ('ap10k',)
    for parts in (folded.skeletons, folded.metainfo, folded.pipelines):
        assert list(parts) == ['ap10k']


def test_an_exported_file(tmp_path):
    model = load(str(write(tmp_path / 'file.onnx', PLAIN)))
    for refused in (lambda: fold(model, 'coco'), lambda: describe(model, Options())):
        with pytest.raises(UserError, match=r'file\.onnx is an exported file: give the model'):
            refused()
