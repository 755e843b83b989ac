"""An annotation file with any change is refused in one sentence, or its score is right.

The checks of ``check-data`` and the preflight, mmpose's class and its metric run in one process, on
predictions that are made once. ``pytest -m slow`` tries more changes, some with the command.
"""

import copy
import math
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import NAME, score
from vitpose_plus.errors import UserError

HANG = 10  # seconds
QUICK = settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
THOROUGH = settings(QUICK, max_examples=2000)
COMMAND = settings(QUICK, max_examples=20)

NUMBERS = [0, 0.5, 1, 2, 1e12, -1e12, 1e308, math.nan, math.inf, -math.inf, 2**63, 10**400]
anything = st.recursive(
    st.sampled_from([None, True, False, '', '1', 'nan', *NUMBERS]) | st.integers(-5, 5000100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
# Fields that may change the score: poses, their images, and the sizes of pictures.
CONTENT = {
    'annotations': {'keypoints', 'bbox', 'area', 'image_id', 'iscrowd'},
    'images': {'width', 'height'},
}


class Mutation(SimpleNamespace):
    """The changed ``content``, and the ``paths`` of keys to the changed places."""

    def __repr__(self):
        return f'{self.change.__name__} {self.paths} {self.value!r}'


@st.composite
def mutations(draw, content):
    content, path = copy.deepcopy(content), []
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        path.append(draw(st.sampled_from(keys)))
        inner = place[path[-1]]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 4)) == 0:
            break
        place = inner
    change = draw(st.sampled_from([replace, replace, delete, insert, repeat, exchange]))
    other, value = draw(st.sampled_from(keys)), draw(anything)
    change(place, path[-1], other, value)
    paths = [path, [*path[:-1], other]] if change is exchange else [path]
    return Mutation(content=content, paths=paths, change=change, value=value)


def replace(place, key, other, value):
    place[key] = value


def delete(place, key, other, value):
    del place[key]


def insert(place, key, other, value):
    if isinstance(place, list):
        place.insert(key, value)
    else:
        place[str(value)[:8]] = value


def repeat(place, key, other, value):
    if isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    else:
        place[f'{key} again'] = place[key]


def exchange(place, key, other, value):
    place[key], place[other] = place[other], place[key]


def may_change_the_score(path):
    whole = path[0] == 'annotations' and len(path) <= 2
    return whole or (len(path) > 2 and path[2] in CONTENT.get(path[0], ()))


def check_mutation(data, scored):
    mutation = data.draw(mutations(scored.content))
    start, found = time.perf_counter(), None
    try:
        found = score(scored, mutation.content)
    except UserError as error:
        sentence = str(error)
    assert found is not None or (str(scored.root / 'coco') in sentence and '\n' not in sentence)
    assert time.perf_counter() - start < HANG
    if found is not None and not any(map(may_change_the_score, mutation.paths)):
        assert found == scored.score
    return found


@given(data=st.data())
@QUICK
def test_a_change_is_refused_or_scored_right(data, scored):
    check_mutation(data, scored)


@pytest.mark.slow
@given(data=st.data())
@THOROUGH
def test_a_change_is_refused_or_scored_right_two_thousand_times(data, scored):
    check_mutation(data, scored)


@pytest.mark.slow
@given(data=st.data())
@COMMAND
def test_the_command_has_the_same_result(data, scored):
    found = check_mutation(data, scored)
    words = ['check-data', 'coco', '--root', str(scored.root), '--any-count', '--images', '0']
    shutil.copy(scored.root / NAME, str(scored.root / NAME).replace('val2017', 'train2017'))
    run = [sys.executable, '-m', 'vitpose_plus', *words]
    result = subprocess.run(run, capture_output=True, text=True)
    assert result.returncode == (0 if found is not None else 2), result.stderr
    assert 'Traceback' not in result.stderr
