"""Single hands of InterHand2.6M: both hands of an image, projected by the image's camera."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmpose.datasets.datasets import InterHand2DDoubleDataset
from mmpose.registry import DATASETS
from PIL import Image

from vitpose_plus.datasets import InterHand2DDataset
from vitpose_plus.datasets.multi_dataset import load_annotations
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.topdown import single_dataset

ROOT = Path(__file__).parents[2]
FOCAL, CENTRE = (400.0, 200.0), (250.0, 150.0)
PIPELINE = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='PackPoseInputs', meta_keys=('id', 'img_id', 'dataset_name')),
]
# The camera is at the origin and points along z. At a distance of one metre, 1 mm is 0.4 pixels in
# x and 0.2 in y. The grid has 7 x 3 points; the right hand is left of the axis, the left one right.
GRID = np.array([(x, y, 1000.0) for y in (-50, 0, 50) for x in range(0, 70, 10)])
ASIDE = np.array([100.0, 0, 0])
STRAIGHT = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def hands():
    return np.concatenate([GRID - ASIDE, GRID + ASIDE])


@pytest.fixture
def write(tmp_path):
    """(joints valid (42,), world coordinates, camera) -> the config of a dataset of one image."""

    def files(valid, world=None, rotation=STRAIGHT, position=(0, 0, 0)):
        image = dict(
            id=7, file_name='a/b.jpg', width=512, height=334, capture=3, camera='400026'
        ) | dict(frame_idx=12)
        valid = [[int(v)] for v in valid]  # as the official files have them
        annotation = dict(id=9, image_id=7, bbox=[1, 2, 3, 4], joint_valid=valid)
        annotation.update(hand_type='interacting', hand_type_valid=1)
        camera = dict(
            campos={'400026': list(position)},
            camrot={'400026': np.asarray(rotation).tolist()},
            focal={'400026': FOCAL},
            princpt={'400026': CENTRE},
        )
        joints = dict(world_coord=np.asarray(hands() if world is None else world).tolist())
        contents = dict(
            data=dict(images=[image], annotations=[annotation]),
            camera={'3': camera},
            joint_3d={'3': {'12': joints}},
        )
        picture = tmp_path / 'images' / 'a' / 'b.jpg'
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (512, 334)).save(picture)
        for name, content in contents.items():
            (tmp_path / f'{name}.json').write_text(json.dumps(content))
        return dict(
            data_root=str(tmp_path),
            ann_file='data.json',
            camera_param_file='camera.json',
            joint_file='joint_3d.json',
            data_prefix=dict(img='images/'),
            pipeline=[],
            test_mode=True,
        )

    return files


def valid(right=21, left=21):
    """The last joints of each hand are valid; the very last one is its wrist."""
    return np.concatenate([np.arange(21) >= 21 - right, np.arange(21) >= 21 - left])


def test_both_hands_are_projected_by_the_camera(write):
    dataset = InterHand2DDataset(**write(valid()))
    right, left = (dataset.get_data_info(i) for i in range(2))
    assert len(dataset) == 2
    # 250 + 0.4 * (-100 ... -40) and 150 + 0.2 * (-50 ... 50)
    np.testing.assert_allclose(right['bbox'], [[210, 140, 234, 160]], atol=1e-4)
    np.testing.assert_allclose(left['bbox'], [[290, 140, 314, 160]], atol=1e-4)
    np.testing.assert_allclose(right['keypoints'][0, 8], [214, 150], atol=1e-4)  # (-90, 0)
    np.testing.assert_allclose(left['keypoints'][0, 20], [314, 160], atol=1e-4)  # (160, 50)
    assert right['keypoints'].shape == left['keypoints'].shape == (1, 21, 2)
    assert right['keypoints_visible'].tolist() == [[1] * 21]
    assert right['img_path'].endswith('images/a/b.jpg')
    assert (right['id'], left['id'], right['img_id']) == (18, 19, 7)


def test_turning_and_moving_camera_and_world_together_changes_nothing(write):
    """Turning and moving the world with the camera changes no pixel."""
    angle = 0.3
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    position = np.array([20.0, -300, 40])
    straight = InterHand2DDataset(**write(valid())).get_data_info(1)
    # The camera's coordinates are turn @ (world - position).
    world = hands() @ turn + position
    turned = InterHand2DDataset(**write(valid(), world, turn, position)).get_data_info(1)
    np.testing.assert_allclose(turned['keypoints'], straight['keypoints'], atol=1e-3)
    other = InterHand2DDataset(**write(valid(), world)).get_data_info(1)
    assert np.abs(other['keypoints'] - straight['keypoints']).max() > 10


def test_projection_is_the_same_as_for_mmposes_pairs_of_hands(write):
    cfg = write(valid())
    pair = InterHand2DDoubleDataset(**cfg).get_data_info(0)['keypoints'][0]
    dataset = InterHand2DDataset(**cfg)
    single = np.concatenate([dataset.get_data_info(i)['keypoints'][0] for i in range(2)])
    np.testing.assert_array_equal(single, pair)


@pytest.mark.parametrize(
    ('right', 'left', 'ids'),
    [(21, 0, [18]), (0, 21, [19]), (12, 11, [18]), (11, 12, [19]), (12, 12, [18, 19])],
)
def test_a_hand_needs_twelve_joints(write, right, left, ids):
    dataset = InterHand2DDataset(**write(valid(right, left)))
    assert [dataset.get_data_info(i)['id'] for i in range(len(dataset))] == ids
    for i in range(len(dataset)):
        assert dataset.get_data_info(i)['keypoints_visible'].sum() in (12, 21)


def test_a_hand_without_its_wrist_is_not_used(write):
    flags = valid()
    flags[20] = False
    dataset = InterHand2DDataset(**write(flags))
    assert [dataset.get_data_info(i)['id'] for i in range(len(dataset))] == [19]


def test_joints_that_are_not_valid_do_not_widen_the_box(write):
    world = hands()
    world[0] = [-5000, 0, 1000]
    flags = valid()
    flags[0] = False
    info = InterHand2DDataset(**write(flags, world)).get_data_info(0)
    np.testing.assert_allclose(info['bbox'], [[210, 140, 234, 160]], atol=1e-4)
    assert info['keypoints_visible'][0, 0] == 0
    assert info['num_keypoints'] == 20


def test_crops_are_one_and_a_half_times_the_box_of_the_metric(write):
    dataset = InterHand2DDataset(**dict(write(valid()), pipeline=PIPELINE))
    instances = dataset[0]['data_samples'].gt_instances
    np.testing.assert_allclose(instances.bbox_scales, [[24 * 1.5, 20 * 1.5]], rtol=1e-5)
    np.testing.assert_allclose(dataset.get_data_info(0)['bbox_center'], [[222, 150]], rtol=1e-5)
    np.testing.assert_allclose(instances.bboxes, [[210, 140, 234, 160]], rtol=1e-5)


def test_metainfo_is_of_one_hand_that_flips_onto_itself():
    metainfo = InterHand2DDataset._load_metainfo()
    assert (metainfo['dataset_name'], metainfo['num_keypoints']) == ('interhand2d', 21)
    assert metainfo['flip_indices'] == list(range(21))


def test_the_metrics_of_the_entry(write):
    """A prediction is wrong by 3 pixels everywhere: 1/8 of the box, which is 24 pixels wide."""
    entry = Config.fromfile(ROOT / 'configs' / 'datasets' / 'interhand2d.py').interhand2d
    crops = dict(plain=dict(codec={}, affine={}, shift_heatmap=True))
    *_, evaluator = single_dataset('interhand2d', entry, crops, [])
    sample = InterHand2DDataset(**dict(write(valid()), pipeline=PIPELINE))[0]['data_samples']
    sample = sample.to_dict()
    sample['pred_instances'] = dict(keypoints=sample['gt_instances']['keypoints'] + [3, 0])
    evaluator = Evaluator(evaluator)
    evaluator.dataset_meta = InterHand2DDataset._load_metainfo()
    evaluator.process([sample], [{}])
    scores = evaluator.evaluate(1)
    assert scores['interhand2d/PCK'] == 1
    assert scores['interhand2d/EPE'] == pytest.approx(3, abs=1e-4)
    # Thresholds 0, 1.5, 3 ... 28.5 pixels: 17 are above 3; 3 itself depends on rounding.
    assert 17 / 20 - 1e-6 <= scores['interhand2d/AUC'] <= 18 / 20 + 1e-6


def test_missing_cameras_are_reported_in_one_sentence(write, tmp_path):
    cfg = write(valid())
    (tmp_path / 'camera.json').write_text('{}')
    dataset = DATASETS.build(dict(cfg, type='InterHand2DDataset', lazy_init=True))
    with pytest.raises(UserError, match=r'data.json cannot be read .*KeyError'):
        load_annotations('interhand2d', dataset)
    (tmp_path / 'camera.json').unlink()
    with pytest.raises(UserError, match=r'camera.json, which does not exist: put it there'):
        InterHand2DDataset(**cfg)
