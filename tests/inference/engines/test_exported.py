"""Exported files in ``predict`` and ``PosePredictor``."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.small_files import (
    CODEC,
    EXPERTS,
    KEYPOINTS,
    PLAIN,
    WRITERS,
    Maps,
    Points,
    write,
)
from vitpose_plus.codecs import BatchedUDPHeatmap
from vitpose_plus.commands import main
from vitpose_plus.errors import UserError
from vitpose_plus.files import sha256
from vitpose_plus.inference.models import origin_of
from vitpose_plus.inference.predictor import PosePredictor

# Pixels. Heatmaps of random weights have flat peaks, so rounding moves their decoded positions.
ROUNDING = 0.05
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)


def predicted(path, dataset=None, messages=None, **options):
    """Keypoints (K, 2) and scores (K,) for one picture; the padding makes it larger."""
    messages = [] if messages is None else messages
    predictor = PosePredictor(path, device='cpu', on_message=messages.append, **options)
    [result] = predictor([PICTURE], boxes='whole', dataset=dataset)
    return result.keypoints[0], result.scores[0], result


def crop_of(path, dataset):
    """The RGB crop (1, 3, 64, 48), and the function from its pixels to those of the picture."""
    predictor = PosePredictor(path, device='cpu')
    fields = dict(bbox=np.array([[0, 0, 48, 64]], np.float32), bbox_score=np.ones(1, np.float32))
    inputs = predictor.estimator._prepared(dataset, PICTURE, **fields)
    meta = inputs['data_samples'].metainfo
    size, scale, centre = (np.array(meta[f'input_{key}']) for key in ('size', 'scale', 'center'))
    return inputs['inputs'].flip(0)[None], lambda points: points / size * scale + centre - scale / 2


def normalised(crop):
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PLAIN.mean, PLAIN.std))
    return (crop - mean) / std


def decoded(maps, count):
    codec = BatchedUDPHeatmap(**{key: CODEC[key] for key in CODEC if key != 'type'})
    points, scores = codec.batch_decode(maps[:, :count])
    return points[0][0], scores[0][0]


@pytest.mark.parametrize('ending', WRITERS)
@pytest.mark.parametrize(('number', 'dataset', 'count'), [(0, 'coco', 4), (1, 'ap10k', 3)])
def test_heatmaps_are_decoded_with_the_codec_of_the_dataset(
    ending, number, dataset, count, tmp_path
):
    path = write(tmp_path / f'file{ending}', EXPERTS)
    points, scores, result = predicted(path, dataset)
    crop, in_picture = crop_of(path, dataset)
    expected, expected_scores = decoded(
        Maps()(normalised(crop), torch.tensor([number])).detach(), count
    )
    assert points.shape == (count, 2)
    np.testing.assert_allclose(points, in_picture(expected), atol=ROUNDING)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-4)
    assert result.instances[0].dataset == dataset


@pytest.mark.parametrize('ending', ['.onnx', '.xml'])
def test_keypoints_of_a_file_are_put_into_the_picture(ending, tmp_path):
    path = write(tmp_path / f'file{ending}', KEYPOINTS)
    points, scores, _ = predicted(path)
    crop, in_picture = crop_of(path, 'coco')
    expected, expected_scores = (each.detach()[0].numpy() for each in Points()(crop))
    np.testing.assert_allclose(points, in_picture(expected), rtol=1e-4)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-5)


@pytest.mark.parametrize('channels', ['rgb', 'bgr'])
def test_crops_have_the_channels_that_the_file_expects(channels, tmp_path):
    description = replace(PLAIN, channels=channels, is_normalising=True)
    path = write(tmp_path / 'file.onnx', description)
    points, _, _ = predicted(path)
    crop, in_picture = crop_of(path, 'coco')
    crop = crop.float() if channels == 'rgb' else crop.flip(1).float()
    np.testing.assert_allclose(
        points, in_picture(decoded(Maps()(crop).detach(), 4)[0]), atol=ROUNDING
    )


@pytest.mark.parametrize('shift', [False, True])
def test_a_flip_test_averages_the_heatmaps_of_a_second_run(shift, tmp_path):
    part = replace(PLAIN.datasets[0], shift_heatmap=shift)
    path = write(tmp_path / 'file.onnx', replace(PLAIN, datasets=(part,)))
    points, _, _ = predicted(path, flip_test=True)
    crop, in_picture = crop_of(path, 'coco')
    crop = normalised(crop)
    mirrored = Maps()(crop.flip(-1))[:, [0, 2, 1, 3]].flip(-1)
    if shift:
        mirrored = torch.cat([mirrored[..., :1], mirrored[..., :-1]], -1)
    maps = (Maps()(crop) + mirrored) / 2
    np.testing.assert_allclose(points, in_picture(decoded(maps.detach(), 4)[0]), atol=ROUNDING)


def test_quality_measures_the_heatmaps_of_a_file(tmp_path):
    path = write(tmp_path / 'file.onnx', PLAIN)
    plain, measured = predicted(path), predicted(path, quality=True)
    np.testing.assert_array_equal(plain[0], measured[0])
    instance = measured[2].instances[0]
    assert instance.flip_distance.shape == instance.spread.shape == (4,)
    flipped = replace(PLAIN, flip_test=True)
    for name, description in (('keypoints', KEYPOINTS), ('flipped', flipped)):
        with pytest.raises(UserError, match='export the model with --outputs heatmaps'):
            predicted(write(tmp_path / f'{name}.onnx', description), quality=True)


def test_a_flip_test_needs_a_file_that_has_one(tmp_path):
    path = write(tmp_path / 'file.onnx', KEYPOINTS)
    with pytest.raises(UserError, match='was exported without --flip-test'):
        predicted(path, flip_test=True)


@pytest.mark.parametrize('is_wanted', [False, True])
def test_a_flip_test_in_the_file_is_always_used(is_wanted, tmp_path):
    path = write(tmp_path / 'file.onnx', replace(KEYPOINTS, flip_test=True))
    without = write(tmp_path / 'without.onnx', KEYPOINTS)
    messages = []
    predictor = PosePredictor(path, flip_test=is_wanted, device='cpu', on_message=messages.append)
    assert predictor.flip_test
    assert len(messages) == (not is_wanted)
    assert all('always averaged' in message for message in messages)
    np.testing.assert_array_equal(predicted(path, flip_test=is_wanted)[0], predicted(without)[0])


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (dict(precision='bf16'), 'was exported in fp32: leave out --precision'),
        (dict(precision='fp32'), 'was exported in fp32: leave out --precision'),
        (dict(checkpoint='weights.pth'), 'has its own weights: leave out --checkpoint'),
        (dict(device='tpu'), 'The device tpu cannot be used'),
    ],
)
def test_options_that_do_not_fit_a_file_are_refused(options, words, tmp_path):
    path = write(tmp_path / 'file.onnx', PLAIN)
    with pytest.raises(UserError, match=words):
        PosePredictor(path, **options)


def changed(**codec):
    return replace(PLAIN, datasets=(replace(PLAIN.datasets[0], codec=CODEC | codec),))


@pytest.mark.parametrize(
    ('description', 'words'),
    [
        (replace(PLAIN, outputs='heatmaps+tags'), 'of a top-down model, so use the model itself'),
        (changed(type='AssociativeEmbedding'), "codec 'AssociativeEmbedding' .* is unknown"),
        (changed(type='DistilledTopdown'), 'is unknown'),
        (changed(other=1), 'has wrong arguments'),
        (replace(PLAIN, mean=('a',)), 'its description has wrong values'),
    ],
)
def test_a_file_whose_description_cannot_be_used_is_refused(description, words, tmp_path):
    path = write(tmp_path / 'file.onnx', description)
    with pytest.raises(UserError, match=words):
        PosePredictor(path, device='cpu')


@pytest.mark.parametrize(
    ('given', 'used'),
    [
        (dict(boxes='whole', dataset='ap10k'), dict(boxes='whole', dataset='ap10k')),
        (dict(boxes='points'), dict(boxes='points')),
        (dict(boxes='rtmdet-m'), dict(boxes='rtmdet-m')),
        (dict(boxes='folder/of/a/detector', dataset='other', example='x'), {}),
        (dict(boxes='https://example.org/boxes.json'), {}),
        (None, {}),
    ],
)
def test_a_file_never_names_another_file_to_open(given, used, tmp_path):
    path = write(tmp_path / 'file.onnx', replace(EXPERTS, defaults=given))
    assert PosePredictor(path, device='cpu').model.defaults == used


def test_a_dataset_that_the_file_does_not_have_is_refused(tmp_path):
    path = write(tmp_path / 'file.onnx', EXPERTS)
    words = "--dataset names 'mpii', which .* does not have: give one of coco, ap10k"
    with pytest.raises(UserError, match=words):
        origin_of(str(path)).check_datasets(['mpii'])
    with pytest.raises(UserError, match=words):
        predicted(path, 'mpii')


def test_the_command_writes_the_engine_and_the_licence_into_the_manifest(
    people, tmp_path, monkeypatch
):
    photos, annotations = people
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / 'file.xml', PLAIN)
    words = ['--model', str(path), '--boxes', str(annotations), '--device', 'cpu', '--no-draw']
    main(['predict', str(photos), *words])
    manifest = json.loads(Path('predictions/manifest.json').read_text())
    assert manifest['complete']
    assert manifest['model'] == dict(
        name=str(path),
        config='small',
        checkpoint=str(path),
        sha256=sha256(path),
        licence_flags=['research only'],
        engine='OpenVINO',
        provider='CPU f32',
        precision='fp32',
        outputs='heatmaps',
        sha256_of_weights=[sha256(path.with_suffix('.bin'))],
    )
    assert manifest['datasets']['coco']['keypoints'] == list(PLAIN.datasets[0].skeleton.names)
    assert (tmp_path / 'predictions' / 'predictions.ndjson').stat().st_size
