"""Real pictures: ``predict`` runs with the true boxes and every format."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main

MODEL = ['--model', TINY, '--checkpoint', str(FILE)]


@pytest.fixture
def samples():
    if 'VITPOSE_SAMPLES' not in os.environ:
        pytest.skip('VITPOSE_SAMPLES names no folder of sample pictures (`.ci/run` sets it)')
    return Path(os.environ['VITPOSE_SAMPLES'])


@pytest.mark.real
@pytest.mark.parametrize(
    ('folder', 'boxes', 'dataset'),
    [
        ('coco', 'test_coco.json', 'coco'),
        ('coco', 'test_coco_wholebody.json', 'coco_wholebody'),
        ('ap10k', 'test_ap10k.json', 'ap10k'),
        ('mpii', 'test_mpii.json', 'mpii'),
        ('aic', 'test_aic.json', 'aic'),
    ],
)
def test_real_pictures_with_true_boxes_in_every_format(folder, boxes, dataset, samples, tmp_path):
    annotations = samples / folder / boxes
    content = json.loads(annotations.read_text())
    names = [image['file_name'] for image in content['images']] if 'images' in content else []
    names = names or sorted({person['image'] for person in content})
    pictures = [samples / folder / name for name in names]
    out = tmp_path / 'out'
    main(
        [
            'predict',
            *map(str, pictures),
            *MODEL,
            *('--boxes', str(annotations), '--dataset', dataset, '--out', str(out)),
            *('--format', 'csv', 'coco', 'dlc', 'openpose'),
        ]
    )
    lines = [json.loads(line) for line in (out / 'predictions.ndjson').open()]
    assert [line['source'] for line in lines] == list(map(str, pictures))
    for line, picture in zip(lines, pictures, strict=True):
        height, width = cv2.imread(str(picture)).shape[:2]
        assert (line['width'], line['height']) == (width, height)
        for instance in line['instances']:
            keypoints, box = np.array(instance['keypoints']), instance['box']
            size = max(box[2] - box[0], box[3] - box[1])
            middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
            assert np.abs(keypoints[:, :2] - middle).max() < 1.4 * size
    assert sum(len(line['instances']) for line in lines) > 1
    assert len(list((out / 'drawn').rglob('*.*'))) == len(pictures)
    assert len(list((out / 'openpose').rglob('*.json'))) == len(pictures)
