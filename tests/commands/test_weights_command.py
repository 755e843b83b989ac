"""The list of released weights, their check, and the errors for unknown names."""

import json

import cv2
import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.fetching import place
from vitpose_plus.checkpoints.released import RELEASED
from vitpose_plus.commands import main
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.samples import ASTRONAUT


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    monkeypatch.setenv('COLUMNS', '80')


def test_the_list_has_every_name_and_marks_downloaded_files(tmp_path, capsys):
    given = RELEASED['vitpose-base-ap10k']
    for each in (given, DETECTORS['rtmdet-m']):
        place(each.url).parent.mkdir(parents=True)
        place(each.url).write_bytes(b'weights')
    main(['weights', '--json', str(tmp_path / 'weights.json')])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    every = [*RELEASED, *DETECTORS]
    shown = {row[0]: row[-1] for row in rows if row and row[0] in every}
    assert list(shown) == every
    assert [name for name, last in shown.items() if last == 'yes'] == [given.name, 'rtmdet-m']
    assert shown['dfine-m'] == '?'  # it is in the folder of Hugging Face's client
    assert ['coco_wholebody'] in rows  # names are complete
    written = json.loads((tmp_path / 'weights.json').read_text())
    assert [row['name'] for row in written['detectors']] == list(DETECTORS)
    rows = {row['name']: row for row in written['models']}
    assert list(rows) == list(RELEASED)
    assert [name for name, row in rows.items() if row['downloaded']] == [given.name]
    assert rows['vitpose-plus-small']['flags'] == ['nc-wholebody']
    assert rows['vitpose-plus-small']['megabytes'] == 185


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--check', 'vitpose-bse'], "no released weights 'vitpose-bse'; the closest names are v"),
        (['--json', 'list.txt'], 'list.txt must end in .json: give another name.'),
    ],
)
def test_bad_input_is_refused(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(['weights', *words])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_check_downloads_converts_and_prints_the_keypoints(monkeypatch, capsys):
    """The file of this name is the tiny checkpoint of the tests, in the authors' layout."""
    entry = RELEASED['vitpose-plus-base']
    monkeypatch.setitem(RELEASED, entry.name, entry._replace(config=TINY))
    place(entry.url).parent.mkdir(parents=True)
    writing.save(place(entry.url), convert(reading.read(FILE), target='official').state_dict)
    main(['weights', '--check', entry.name])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    keypoints = {
        row[0]: tuple(map(float, row[1:])) for row in rows if len(row) == 4 and row[1] != 'x'
    }
    [result] = PosePredictor(TINY, FILE, device='cpu')(ASTRONAUT, boxes='whole')
    assert list(keypoints) == list(result.names)
    expected = np.concatenate([result.keypoints[0], result.scores[0][:, None]], axis=1)
    np.testing.assert_allclose(list(keypoints.values()), expected, atol=0.06)


def test_the_package_contains_a_small_sample_picture():
    assert ASTRONAUT.stat().st_size <= 20_000
    assert cv2.imread(str(ASTRONAUT)).shape == (256, 256, 3)
