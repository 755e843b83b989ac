"""Labels of a real mouse to a seventh expert, by the commands of docs/experts.md.

    pytest -m 'real and slow' -s tests/real/test_own_expert.py

needs VITPOSE_OWN_KEYPOINTS, takes 5 minutes on two cores, and prints the errors.
"""

import json

import pytest

from tests.helpers.demo import TINY
from tests.helpers.models import SIX, same
from tests.helpers.tiny_figures import FILE
from tests.real.test_own_keypoints import call, folder_in, held_out
from vitpose_plus.checkpoints import reading

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]
EPE = 'mouse/EPE'  # pixels


def scores(folder, *words):
    """The metrics of a test, and its minutes."""
    minutes = call(folder, ['test', *words, '--out', 'metrics.json'])
    return json.loads((folder / 'metrics.json').read_text()), minutes


def test_a_joined_model_finds_the_mouse_and_the_six_keep_their_scores(tmp_path):
    labels = folder_in('VITPOSE_OWN_KEYPOINTS').absolute() / 'openfield_mouse'
    call(tmp_path, ['figures', '--num-train', '1', '--num-val', '10'])
    before, _ = scores(tmp_path, TINY, str(FILE))
    words = ['--expert-of', TINY, str(FILE), '--like', 'ap10k', '--boxes', 'points']
    call(tmp_path, ['new-dataset', 'mouse', str(labels), *words, *held_out(labels.name)])
    trained = call(tmp_path, ['train', 'mouse'])
    alone, _ = scores(tmp_path, 'mouse')
    best = 'work_dirs/mouse/best.pth'
    joined = call(tmp_path, ['join', str(FILE), best, 'seven.pth', '--config', TINY])
    after, seconds = scores(tmp_path, 'seven.py', 'seven.pth')
    call(tmp_path, ['split', 'seven.pth', 'mouse.pth', '--part', 'mouse'])
    call(tmp_path, ['join', str(FILE), 'mouse.pth', 'again.pth', '--config', TINY])
    seven, again = (reading.read(tmp_path / f'{name}.pth') for name in ('seven', 'again'))
    same(again, seven)
    print(
        f'\ntraining: {trained:.1f} minutes; join: {60 * joined:.0f} s; test of the joined model: '
        f'{60 * seconds:.0f} s; error alone: {alone[EPE]:.2f} px; joined: {after[EPE]:.2f} px'
    )
    assert after[EPE] < 4
    assert after[EPE] == pytest.approx(alone[EPE], rel=1e-4)  # batches of other sizes
    assert {name.split('/')[0] for name in before} == set(SIX)
    assert {name: after[name] for name in before} == before
