"""Swap partners from names: complete pairs only, and none where it is ambiguous."""

import pytest
from mmengine.config import Config

from vitpose_plus.datasets.checking.metainfo import SHIPPED
from vitpose_plus.datasets.labels.guessing import swap_partners


@pytest.mark.parametrize(
    'pairs',
    [
        'leftear rightear',
        'left_ear right_ear ear_left ear_right',
        'Left Ear/Right Ear/LEFT_EYE/RIGHT_EYE',
        'LeftEar RightEar earLeft earRight',
        'l_ear r_ear ear-l ear-r L_eye R_eye eye.L eye.R',
        'LEar REar lEye rEye earL earR',
        'L1 R1 L2 R2 hand_L3 hand_R3',
        'LF RF LH RH pawLB pawRB',
        'FL FR HL HR front_FL front_FR',
        'lf rf lh rh fl fr hl hr',
        'paw1LH_top paw4RH_top paw2LF_top paw3RF_top',  # mirror mouse: other numbers
        'LFpaw RFpaw',
    ],
)
def test_pairs(pairs):
    names = pairs.split('/') if '/' in pairs else pairs.split()
    expected = {}
    for one, other in zip(names[::2], names[1::2], strict=True):
        expected |= {one: other, other: one}
    assert swap_partners([*names, 'nose', 'tailbase', 'rump', 'lip', 'Rear', 'upright']) == expected


@pytest.mark.parametrize(
    'names',
    [
        ['left_ear', 'nose'],  # the right one is missing
        ['l_finger1', 'l_finger2', 'r_finger3'],  # two can be the partner
        ['earL', 'earR2', 'earR3'],
        ['cleft', 'bright', 'lower', 'rower', 'lf_rf'],
        ['left_right', 'right_right', 'left_left'],  # each side can be replaced
        [],
    ],
)
def test_no_guess(names):
    assert swap_partners(names) == {}


@pytest.mark.parametrize('name', ['coco', 'ap10k', 'aic', 'mpii', 'lapa', 'wflw'])
def test_the_partners_of_mmpose(name):
    """A guess is right where mmpose has the pair; faces have numbers without sides."""
    info = Config.fromfile(SHIPPED / f'{name}.py').dataset_info.keypoint_info.values()
    true = {one['name']: one['swap'] for one in info if one['swap'] not in ('', one['name'])}
    guessed = swap_partners([one['name'] for one in info])
    assert {**guessed, **{k: v for k, v in true.items() if k in guessed}} == guessed
    assert all(guessed[guessed[key]] == key for key in guessed)
    sided = {key for key in true if 'left' in key or 'right' in key or key[1:2] == '_'}
    assert sided == set(guessed)
