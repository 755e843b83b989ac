"""The transforms of ``multi_dataset`` give the authors' crops and targets, for each kind of crop.

The files are F_affine_target, F_targets_edge and F_mpii; they contain sizes, cases and flip pairs.
In plain crops the authors do not move unlabelled joints, but mmpose moves all joints. So only
labelled joints are compared; the others have no target in either code.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS, MODELS, TRANSFORMS

from tests.helpers.comparing import assert_same
from vitpose_plus.experiments.topdown import multi_dataset

CONFIGS = Path(__file__).parents[2] / 'configs'
BASE = Config.fromfile(CONFIGS / '_base_/multi_dataset.py')
MPII = Config.fromfile(CONFIGS / 'datasets/mpii.py').mpii
CASES = ('udp', 'udp'), ('plain', 'plainaffine')  # our name and the authors' name


@pytest.fixture(scope='module')
def affine(golden):
    return golden('F_affine_target.npz')


@pytest.fixture(scope='module')
def mpii(golden):
    return golden('F_mpii.npz')


def transforms(crop, meta):
    """The steps load, box, affine, target and pack, with the sizes of the file."""
    part = dict(data_root='')
    entry = dict(num_keypoints=0, crop=crop, train=part, val=part, metric={})
    size = dict(input_hw=tuple(meta['image_size_wh'][::-1]), sigma=float(meta.get('sigma', 2)))
    _, train, *_ = multi_dataset(dict(golden=entry), BASE.crops, [], **size)
    steps = train['dataset']['datasets'][0]['pipeline']
    assert list(steps[-2]['encoder']['heatmap_size']) == meta['heatmap_size_wh']
    return [TRANSFORMS.build(step) for step in steps]


def corners():
    """Three points from which the matrix of a warp is computed; in double precision."""
    return np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])


def matrix(warp, results):
    """The 2x3 matrix of a warp, computed from the positions of the warped corners."""
    points = dict(keypoints=corners(), keypoints_visible=np.ones((1, 3)))
    zero, right, down = warp(dict(results, **points))['transformed_keypoints'][0]
    return np.stack([right - zero, down - zero, zero], 1)


def same_matrix(found, expected):
    """Compares in single precision; the largest entries are translations of hundreds of pixels."""
    assert_same(found, expected, roundings=16, precision=torch.float32)


def given(arrays, case):
    """A case of F_affine_target in mmpose's format; boxes in pixels, images in BGR."""
    return dict(
        img=np.ascontiguousarray(arrays['image'][..., ::-1]),
        bbox_center=arrays[f'{case}/center'][None],
        bbox_scale=arrays[f'{case}/scale'][None] * 200,
        bbox_rotation=arrays[f'{case}/rotation'][None],
        keypoints=arrays['joints'][None],
        keypoints_visible=arrays['visible'][None],
    )


def targets_agree(results, target, weight):
    np.testing.assert_allclose(results['heatmaps'], target, atol=1e-5)
    np.testing.assert_array_equal(results['keypoint_weights'][0], weight[:, 0])


@pytest.mark.parametrize(('crop', 'official'), CASES)
def test_every_case_of_the_crop(affine, crop, official):
    arrays, meta = affine
    _, _, warp, target, _ = transforms(crop, meta)
    cases = [c['name'] for c in meta['cases'] if f'{c["name"]}/{official}/image' in arrays]
    assert cases
    for case in cases:
        kind = f'{case}/{official}'
        expected = {key: arrays[f'{kind}/{key}'] for key in ('image', 'joints', 'matrix')}
        same_matrix(matrix(warp, given(arrays, case)), expected['matrix'])
        results = target(warp(given(arrays, case)))
        labelled = (arrays['visible'] > 0) | (crop == 'udp')
        joints = results['transformed_keypoints'][0]
        np.testing.assert_allclose(joints[labelled], expected['joints'][labelled], atol=1e-3)
        image_agrees(results['img'], expected['image'])
        targets_agree(
            results,
            arrays[f'{kind}/target'],
            arrays[f'{kind}/target_weight'],
        )


def image_agrees(found, expected):
    difference = np.abs(found[..., ::-1].astype(int) - expected)
    if cv2.__version__.startswith('4.11'):  # the version that made the golden images
        assert (difference > 0).mean() <= 0.005
    assert difference.mean() < 0.15  # OpenCV 5 interpolates more finely: 0.1003 grey levels
    assert difference.max() < 10


def test_the_normalised_crop(affine):
    arrays, meta = affine
    preprocess = MODELS.build(BASE.model.data_preprocessor)
    _, _, warp, target, pack = transforms('udp', meta)
    results = target(warp(given(arrays, 'plain')))
    crop = arrays['plain/udp/image'][..., ::-1]  # the authors', as OpenCV's rounding may differ
    packed = pack(dict(results, img=np.ascontiguousarray(crop)))
    inputs, sample = packed['inputs'], packed['data_samples']
    ours = preprocess(dict(inputs=[inputs], data_samples=[sample]))['inputs'][0]
    np.testing.assert_allclose(
        ours[:, ::4, ::4], arrays['plain/udp/normalised_every4th'], atol=1e-5
    )


@pytest.mark.parametrize('box', ['bbox', 'wide_bbox'])
def test_boxes_are_padded_and_widened(affine, box):
    """``bbox_xywh`` is the box that the authors' code pads. Their dataset class subtracts one pixel
    from the annotated width and height before; mmpose's classes do not (docs/decoding.md)."""
    arrays, meta = affine
    _, pad, warp, *_ = transforms('udp', meta)
    x, y, w, h = arrays[f'{box}_xywh']
    img = given(arrays, 'plain')['img']
    results = warp(pad(dict(img=img, bbox=np.array([[x, y, x + w, y + h]], np.float32))))
    np.testing.assert_allclose(results['input_center'], arrays[f'{box}_center'], atol=1e-3)
    np.testing.assert_allclose(results['input_scale'], arrays[f'{box}_scale'] * 200, atol=1e-3)


def test_the_horizontal_flip(affine):
    arrays, meta = affine
    [step] = [step for step in BASE.augmentation if step['type'] == 'RandomFlip']
    indices = list(range(len(arrays['joints'])))
    for a, b in meta['flip_pairs']:
        indices[a], indices[b] = b, a
    shape = arrays['image'].shape[:2]
    results = TRANSFORMS.build(dict(step, prob=1.0))(
        dict(
            img=arrays['image'],
            img_shape=shape,
            flip_indices=indices,
            bbox_center=arrays['bbox_center'][None],
            keypoints=arrays['joints'][None],
            keypoints_visible=arrays['visible'][None],
        )
    )
    labelled = arrays['flip/visible'][:, 0] > 0
    np.testing.assert_array_equal(results['keypoints_visible'][0], arrays['flip/visible'][:, 0])
    np.testing.assert_allclose(
        results['keypoints'][0, labelled], arrays['flip/joints'][labelled, :2], atol=1e-3
    )
    np.testing.assert_allclose(results['bbox_center'][0], arrays['flip/center'], atol=1e-3)


@pytest.mark.parametrize('joints', ['', 'random_'])
@pytest.mark.parametrize(('crop', 'official'), [('udp', 'udp'), ('plain', 'msra')])
def test_targets_of_awkward_and_random_joints(golden, crop, official, joints):
    arrays, meta = golden('F_targets_edge.npz')
    encoder = transforms(crop, meta)[3].encoder
    points, visible = arrays[f'{joints}joints'], arrays[f'{joints}visible']
    encoded = encoder.encode(points[None], visible[None])
    count = len(points)
    [name] = [
        key
        for key in arrays
        if key.startswith(f'{joints}{official}/target') and not key.endswith('weight')
    ]
    weight = arrays[f'{joints}{official}/target_weight']
    # In the middle between two pixels, both roundings are right.
    tied = (np.abs((points / encoder.scale_factor) % 1 - 0.5) < 1e-5).any(1) & (visible > 0)
    close = np.where(tied, 0.005, 1e-5)[:, None, None]
    assert (np.abs(encoded['heatmaps'] - arrays[name]) <= close).all()
    np.testing.assert_array_equal(encoded['keypoint_weights'][0], weight[:count, 0])
    assert not weight[count:].any()


def read_mpii(arrays, folder, image):
    """Builds our dataset class on the raw annotations, which are written as MPII's file."""
    cv2.imwrite(str(folder / '1.png'), image[..., ::-1])
    people = [
        dict(center=c, scale=s, joints=j, joints_vis=v, image='1.png')
        for c, s, j, v in zip(
            *(arrays[f'raw/{key}'].tolist() for key in ('center', 'scale', 'joints', 'joints_vis')),
            strict=True,
        )
    ]
    (folder / 'mpii.json').write_text(json.dumps(people))
    cfg = dict(type=MPII.train.type, data_root=str(folder), ann_file='mpii.json')
    return DATASETS.build(dict(cfg, data_prefix=dict(img='')))


def test_mpii_from_the_annotation_to_the_target(mpii, affine, tmp_path):
    arrays, meta = mpii
    load, pad, warp, target, _ = transforms(MPII.crop, meta)
    dataset = read_mpii(arrays, tmp_path, affine[0]['image'])
    assert len(dataset) == len(arrays['raw/scale'])
    for i in range(len(dataset)):
        expected = {k.removeprefix(f'{i}/'): v for k, v in arrays.items() if k.startswith(f'{i}/')}
        results = pad(load(dataset.get_data_info(i)))
        assert results['bbox_center'][0] == pytest.approx(expected['center'], abs=1e-3)
        assert results['bbox_scale'][0] == pytest.approx(expected['scale'] * 200, abs=1e-3)
        np.testing.assert_allclose(results['keypoints'][0], expected['joints'], atol=1e-3)
        np.testing.assert_array_equal(results['keypoints_visible'][0], expected['visible'])
        results['bbox_rotation'] = expected['rotation'][None]
        same_matrix(matrix(warp, results), expected['udp/matrix'])
        results = target(warp(results))
        np.testing.assert_allclose(
            results['transformed_keypoints'][0], expected['udp/joints'], atol=1e-3
        )
        if 'udp/image' in expected:
            image_agrees(results['img'], expected['udp/image'])
        targets_agree(
            results, expected['udp/target_first16'], expected['udp/target_weight_first16']
        )
