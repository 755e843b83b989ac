"""The authors' crops and targets: F_affine_target, F_targets_edge and F_mpii, by the transforms
that ``multi_dataset`` lists for each kind of crop.

Sizes, cases and flip pairs are those of the files. In plain crops the authors leave unlabelled
joints where they were and mmpose moves all joints: only labelled ones are compared, the others have
no target either way.
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
CASES = ('udp', 'udp'), ('plain', 'plainaffine')  # our word and theirs


@pytest.fixture(scope='module')
def affine(golden):
    return golden('F_affine_target.npz')


@pytest.fixture(scope='module')
def mpii(golden):
    return golden('F_mpii.npz')


def transforms(crop, meta):
    """Load, box, affine, target and pack, at the golden size."""
    part = dict(data_root='')
    entry = dict(num_keypoints=0, crop=crop, train=part, val=part, metric={})
    size = dict(input_hw=tuple(meta['image_size_wh'][::-1]), sigma=float(meta.get('sigma', 2)))
    _, train, *_ = multi_dataset(dict(golden=entry), BASE.crops, [], **size)
    steps = train['dataset']['datasets'][0]['pipeline']
    assert list(steps[-2]['encoder']['heatmap_size']) == meta['heatmap_size_wh']
    return [TRANSFORMS.build(step) for step in steps]


def corners():
    """Three points whose images tell the matrix of a warp; in double precision."""
    return np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])


def matrix(warp, results):
    """The 2x3 matrix of a warp, from where it puts the corners."""
    marks = dict(keypoints=corners(), keypoints_visible=np.ones((1, 3)))
    zero, right, down = warp(dict(results, **marks))['transformed_keypoints'][0]
    return np.stack([right - zero, down - zero, zero], 1)


def same_matrix(ours, theirs):
    """Of single precision. The way along each axis is the largest entry: hundreds of pixels."""
    assert_same(ours, theirs, roundings=16, precision=torch.float32)


def given(arrays, case):
    """A case of F_affine_target as mmpose holds it; boxes in pixels, images in BGR."""
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


@pytest.mark.parametrize(('crop', 'theirs'), CASES)
def test_every_case_of_the_crop(affine, crop, theirs):
    arrays, meta = affine
    _, _, warp, target, _ = transforms(crop, meta)
    cases = [c['name'] for c in meta['cases'] if f'{c["name"]}/{theirs}/image' in arrays]
    assert cases
    for case in cases:
        their = {key: arrays[f'{case}/{theirs}/{key}'] for key in ('image', 'joints', 'matrix')}
        same_matrix(matrix(warp, given(arrays, case)), their['matrix'])
        results = target(warp(given(arrays, case)))
        labelled = (arrays['visible'] > 0) | (crop == 'udp')
        joints = results['transformed_keypoints'][0]
        np.testing.assert_allclose(joints[labelled], their['joints'][labelled], atol=1e-3)
        image_agrees(results['img'], their['image'])
        targets_agree(
            results,
            arrays[f'{case}/{theirs}/target'],
            arrays[f'{case}/{theirs}/target_weight'],
        )


def image_agrees(ours, theirs):
    difference = np.abs(ours[..., ::-1].astype(int) - theirs)
    if cv2.__version__.startswith('4.11'):  # what made the golden images
        assert (difference > 0).mean() <= 0.005
    assert difference.mean() < 0.15  # OpenCV 5 interpolates more finely: 0.1003 grey levels
    assert difference.max() < 10


def test_the_normalised_crop(affine):
    arrays, meta = affine
    preprocess = MODELS.build(BASE.model.data_preprocessor)
    _, _, warp, target, pack = transforms('udp', meta)
    results = target(warp(given(arrays, 'plain')))
    crop = arrays['plain/udp/image'][..., ::-1]  # theirs: OpenCV's rounding is not the question
    packed = pack(dict(results, img=np.ascontiguousarray(crop)))
    inputs, sample = packed['inputs'], packed['data_samples']
    ours = preprocess(dict(inputs=[inputs], data_samples=[sample]))['inputs'][0]
    np.testing.assert_allclose(
        ours[:, ::4, ::4], arrays['plain/udp/normalised_every4th'], atol=1e-5
    )


@pytest.mark.parametrize('box', ['bbox', 'wide_bbox'])
def test_boxes_are_padded_and_widened(affine, box):
    """``bbox_xywh`` is what the authors' code pads: its dataset class has taken one pixel off the
    annotation's width and height before. mmpose's classes do not (docs/decoding.md)."""
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
@pytest.mark.parametrize(('crop', 'theirs'), [('udp', 'udp'), ('plain', 'msra')])
def test_targets_of_awkward_and_random_joints(golden, crop, theirs, joints):
    arrays, meta = golden('F_targets_edge.npz')
    encoder = transforms(crop, meta)[3].encoder
    points, visible = arrays[f'{joints}joints'], arrays[f'{joints}visible']
    encoded = encoder.encode(points[None], visible[None])
    count = len(points)
    [name] = [
        key
        for key in arrays
        if key.startswith(f'{joints}{theirs}/target') and not key.endswith('weight')
    ]
    weight = arrays[f'{joints}{theirs}/target_weight']
    # Between two pixels either is right.
    tied = (np.abs((points / encoder.scale_factor) % 1 - 0.5) < 1e-5).any(1) & (visible > 0)
    close = np.where(tied, 0.005, 1e-5)[:, None, None]
    assert (np.abs(encoded['heatmaps'] - arrays[name]) <= close).all()
    np.testing.assert_array_equal(encoded['keypoint_weights'][0], weight[:count, 0])
    assert not weight[count:].any()


def read_mpii(arrays, folder, image):
    """Our dataset class on the raw annotations, written as MPII's file."""
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
        their = {k.removeprefix(f'{i}/'): v for k, v in arrays.items() if k.startswith(f'{i}/')}
        results = pad(load(dataset.get_data_info(i)))
        assert results['bbox_center'][0] == pytest.approx(their['center'], abs=1e-3)
        assert results['bbox_scale'][0] == pytest.approx(their['scale'] * 200, abs=1e-3)
        np.testing.assert_allclose(results['keypoints'][0], their['joints'], atol=1e-3)
        np.testing.assert_array_equal(results['keypoints_visible'][0], their['visible'])
        results['bbox_rotation'] = their['rotation'][None]
        same_matrix(matrix(warp, results), their['udp/matrix'])
        results = target(warp(results))
        np.testing.assert_allclose(
            results['transformed_keypoints'][0], their['udp/joints'], atol=1e-3
        )
        if 'udp/image' in their:
            image_agrees(results['img'], their['udp/image'])
        targets_agree(results, their['udp/target_first16'], their['udp/target_weight_first16'])
