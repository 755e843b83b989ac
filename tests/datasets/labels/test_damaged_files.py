"""Damaged label files: a ``UserError`` or valid labels, and never another error."""

import copy
import json
import re

import numpy as np
import pytest

from tests.helpers.label_files import WRITERS, example
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.errors import UserError

TIMES = pytest.mark.parametrize('times', [15, pytest.param(1500, marks=pytest.mark.slow)])
STRANGE = (None, 'text', -1, 1e400, [], {}, [None], 10**400, True)


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from places(inner, (*path, key))


def changed(content, path, value):
    if not path:
        return value
    content = copy.deepcopy(content)
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


def assert_is_valid_or_refused(files):
    try:
        labels = read_labels(files)
    except UserError as error:
        message = str(error)
        assert re.fullmatch(r'.+: .+\.', message), message  # one line, and what to do
        return False
    for picture in labels.pictures:
        for instance in picture.instances:
            labelled = instance.points[instance.labelled, :2]
            assert np.isfinite(instance.points).all()
            assert (labelled >= 0).all()
            assert (labelled <= picture.size_wh).all()
            assert instance.box is None or np.isfinite(instance.box).all()
    return True


@pytest.mark.parametrize('name', ['coco', 'label studio', 'labelme'])
@TIMES
def test_json_with_a_strange_value(name, times, tmp_path):
    labels = example(tmp_path)
    del labels.pictures[1:]
    [file] = WRITERS[name](labels, tmp_path)
    file = file if file.is_file() else next(file.rglob('*.json'))
    content = json.loads(file.read_text())
    every = list(places(content))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(times):
        path, value = every[random.integers(len(every))], STRANGE[random.integers(len(STRANGE))]
        file.write_text(json.dumps(changed(content, path, value)))
        refused += not assert_is_valid_or_refused([file])
    assert refused > times / 5


@pytest.mark.parametrize('name', ['cvat skeletons', 'cvat points', 'dlc', 'table', 'coco'])
@TIMES
def test_text_with_a_strange_piece(name, times, tmp_path):
    labels = example(tmp_path)
    del labels.pictures[1:]
    [file] = WRITERS[name](labels, tmp_path)
    file = file if file.is_file() else next(file.rglob('*.csv'))
    text, random = file.read_text(), np.random.default_rng(0)
    refused = 0
    for _ in range(times):
        start, length = random.integers(len(text)), random.integers(12)
        piece = ('', 'nan', '-', ',', '"', '1e999', ';', '\n', '\0')[random.integers(9)]
        file.write_text(text[:start] + piece + text[start + length :])
        refused += not assert_is_valid_or_refused([file])
    assert refused > times / 12
