"""A report of a finished training: its numbers, its page, and what it refuses."""

import base64
import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from vitpose_plus import PosePredictor
from vitpose_plus.evaluation.pixel_errors import pixel_errors
from vitpose_plus.reports import ReportHook
from vitpose_plus.reports.numbers import numbers_of
from vitpose_plus.reports.page import page_of

VOID = {'meta', 'br', 'img'}


class Tags(HTMLParser):
    """Collects texts, attributes and open tags; a tag that closes another one is an error."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.found = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)


def annotated(figures, split):
    """Points (N, K, 3), boxes (N, 4), and names of a file of the synthetic COCO."""
    file = figures / 'coco' / 'annotations' / f'person_keypoints_{split}2017.json'
    content = json.loads(file.read_text())
    names = {image['id']: image['file_name'] for image in content['images']}
    people = sorted(content['annotations'], key=lambda one: (one['image_id'], one['id']))
    points = np.array([one['keypoints'] for one in people], float).reshape(len(people), -1, 3)
    boxes = np.array([one['bbox'] for one in people], float)
    boxes[:, 2:] += boxes[:, :2]
    return points, boxes, [names[one['image_id']] for one in people], file


def test_the_numbers_are_those_of_the_predictor_with_the_annotation_file(report, numbers, figures):
    points, boxes, names, file = annotated(figures, 'val')
    predictor = PosePredictor(report.work_dir, device='cpu')
    results = [*predictor(figures / 'coco' / 'val2017', boxes=file)]
    assert [Path(r.source).name for r in results for _ in r.instances] == names
    predicted = np.concatenate([result.keypoints for result in results])
    expected = pixel_errors(predicted, points, boxes)
    held_out = numbers['splits']['held_out']
    assert (held_out['pictures'], held_out['instances']) == (len(results), len(points))
    compare(held_out['overall'], expected.overall())
    rows = held_out['per_keypoint']
    assert list(rows) == list(results[0].names) == numbers['keypoints']
    for row, summary in zip(rows.values(), expected.per_keypoint(), strict=True):
        compare(row, summary)
    means = np.sort(expected.per_instance())[::-1]
    np.testing.assert_allclose([one['mean_px'] for one in numbers['worst']], means, atol=1e-3)


def compare(written, summary):
    assert written.keys() == asdict(summary).keys()
    for key, value in asdict(summary).items():
        assert written[key] == pytest.approx(value, abs=1e-4), key


def test_the_numbers_state_the_training(numbers):
    training = numbers['training']
    assert training['checkpoint'] == 'best_coco_EPE_epoch_1.pth'
    assert (training['last_logged_iteration'], training['pictures'], training['boxes']) == (
        2,
        2,
        'points',
    )
    assert training['start_weights'] is None
    assert 0 <= training['minutes'] < 5
    datetime.fromisoformat(training['ended'])
    assert set(numbers['validation']) == {'coco/EPE', 'coco/coco/AP'}
    labels = numbers['splits']['train']['per_keypoint']
    assert training['labels'] == {name: row['labels'] for name, row in labels.items()}


def test_the_page_is_one_complete_file(report, page, numbers):
    tags = Tags(page)
    assert tags.open == []
    for text in numbers['keypoints']:
        assert text in tags.texts
    for tag, attributes in tags.found:
        assert tag not in ('script', 'link', 'iframe')
        assert 'href' not in attributes
        assert attributes.get('src', 'data:image/').startswith('data:image/')
    assert not re.search(r'https?://|url\(|@import', page)
    command = f'vitpose predict FILM --model "{report.work_dir}" --boxes BOXES --format dlc'
    assert command in tags.texts
    pictures = [attributes for tag, attributes in tags.found if tag == 'img']
    curves = ['learning rate', 'loss', 'coco/EPE', 'coco/coco/AP']
    alts = [one['alt'] for one in pictures]
    assert sorted(alts[:4]) == sorted(curves)
    assert alts[4:] == ['label', 'prediction'] * len(numbers['worst'])
    for one in pictures:
        content = base64.b64decode(one['src'].split(',')[1])
        assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None


def test_names_are_escaped(report, monkeypatch):
    monkeypatch.setattr('vitpose_plus.reports.page.curve_pictures', lambda curves: {})
    skeleton = replace(report.skeleton, names=('<b>', *report.skeleton.names[1:]))
    changed = replace(report, skeleton=skeleton, work_dir=Path('a <i> & b'))
    page = page_of(changed, numbers_of(changed))
    tags = Tags(page)
    assert tags.open == []
    assert '<b>' in tags.texts
    assert 'vitpose predict FILM --model "a <i> & b" --boxes BOXES --format dlc' in tags.texts


def test_a_report_that_cannot_be_made_is_a_warning(tmp_path):
    """The hook warns with the reason, and the training ends normally."""
    warnings = []
    logger = SimpleNamespace(warning=warnings.append, info=lambda line: None)
    ReportHook().after_train(SimpleNamespace(work_dir=str(tmp_path), logger=logger, val_loop=1))
    [warning] = warnings
    assert 'its report could not be made: ' in warning
    assert f'{tmp_path} contains no */vis_data/scalars.json' in warning
    assert not list(tmp_path.iterdir())
