"""The features of frames are those of the backbone."""

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.suggesting.features import FrameFeatures

BOXES = np.array([[8.0, 12.0, 68.0, 72.0], [20.0, 5.0, 90.0, 80.0]])


@pytest.fixture(scope='module')
def predictor() -> PosePredictor:
    return PosePredictor(TINY, FILE, device='cpu', quality=True)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)


@pytest.mark.parametrize('dataset', ['coco', 'ap10k'])
def test_they_are_means_of_the_plain_backbones_feature_map(predictor, image, dataset) -> None:
    model = MODELS.build(read_config(TINY).model).eval()
    model.load_state_dict(reading.read(FILE))
    pipeline, metainfo = (
        getattr(predictor.model, name)[dataset] for name in ('pipelines', 'metainfo')
    )
    box = dict(bbox=BOXES[:1].astype(np.float32), bbox_score=np.ones(1, np.float32))
    inputs = pipeline(dict(metainfo, img=image, img_path='', **box))
    batch = model.data_preprocessor(
        dict(inputs=[inputs['inputs']], data_samples=[inputs['data_samples']])
    )
    index = torch.tensor([list(predictor.model.skeletons).index(dataset)])
    with torch.no_grad():
        [expected] = model.backbone(batch['inputs'], index)[-1].mean((2, 3))
    found = FrameFeatures(predictor, dataset)(image, BOXES[:1])
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(expected.abs().max()))


def test_those_of_a_frame_are_the_mean_over_its_crops(predictor, image) -> None:
    compute = FrameFeatures(predictor, 'coco')
    single = [compute(image, BOXES[[row]]) for row in range(2)]
    np.testing.assert_allclose(compute(image, BOXES), np.mean(single, 0), atol=1e-4)
    assert not np.allclose(*single)
    assert not predictor.model.network.backbone._forward_hooks
