"""Notes on mirrored pictures: sides without partners, and flips at only one of two places."""

import pytest
from mmengine.config import Config

from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.engine import preflight
from vitpose_plus.engine.flips import flip_notes
from vitpose_plus.errors import UserError

FLIP = dict(type='RandomFlip', direction='horizontal')
NAMES = ('snout', 'leftear', 'rightear', 'paw1LF', 'paw2RF')
EARS = dict(leftear='rightear', rightear='leftear')
PAWS = dict(paw1LF='paw2RF', paw2RF='paw1LF')
OWN = 'The dataset own '


def part(pipeline, swaps=EARS | PAWS, name='own'):
    number = len(NAMES)
    points = {i: dict(name=one, swap=swaps.get(one, '')) for i, one in enumerate(NAMES)}
    info = dict(dataset_name=name, keypoint_info=points, skeleton_info={})
    info |= dict(joint_weights=[1.0] * number, sigmas=[0.05] * number)
    return dict(type='BaseCocoStyleDataset', metainfo=info, pipeline=pipeline)


def notes(dataset, flip_test, **head):
    model = dict(head=dict(type='HeatmapHead', **head), test_cfg=dict(flip_test=flip_test))
    cfg = Config(dict(model=model, train_dataloader=dict(dataset=dataset)))
    parts = [unread(one) for one in plain_datasets(cfg.train_dataloader.dataset)]
    return list(flip_notes(cfg, parts))


@pytest.mark.parametrize(
    ('pipeline', 'flip_test', 'places'),
    [
        ([FLIP], True, 'RandomFlip and flip_test'),
        ([FLIP], False, 'RandomFlip'),
        ([dict(type='RandomApply', transforms=[FLIP])], False, 'RandomFlip'),
    ],
)
def test_sides_without_partners(pipeline, flip_test, places):
    assert notes(part(pipeline), flip_test) == []
    [note] = notes(part(pipeline, PAWS), flip_test)
    assert note.startswith(
        f'{OWN}mirrors pictures ({places}), but its metainfo does not swap leftear with rightear: '
        'give each the other as `swap`, or train without RandomFlip'
    )
    [note] = notes(part(pipeline, {}), flip_test)
    assert 'does not swap leftear with rightear, paw1LF with paw2RF: give' in note


@pytest.mark.parametrize('pipeline', [[], None, [dict(FLIP, prob=0.0)], [dict(FLIP, prob=[0.0])]])
def test_a_test_that_training_did_not_prepare(pipeline):
    assert notes(part(pipeline, {}), flip_test=False) == []
    [note] = notes(part(pipeline), flip_test=True)
    assert note == (
        f'{OWN}is trained without RandomFlip, but tested with mirrored pictures, too: set '
        'model.test_cfg.flip_test=False, or train with RandomFlip.'
    )


def test_each_of_several_datasets():
    parts = [part([FLIP]), part([], name='other'), part([FLIP], PAWS, name='third')]
    found = notes(dict(type='MultiDataset', datasets=parts), flip_test=True)
    assert [note.split()[2] for note in found] == ['other', 'third']
    mirrored = dict(type='CombinedDataset', datasets=parts[:2], pipeline=[FLIP])
    assert notes(mirrored, flip_test=True) == []


def test_the_head_of_a_dataset_can_be_tested_in_another_way():
    """As a dataset without flips that ``join`` added."""
    parts = [part([FLIP], PAWS), part([], PAWS, name='other')]
    whole = dict(type='MultiDataset', datasets=parts)
    heads = [dict(dataset='own'), dict(dataset='other', test_cfg=dict(flip_test=False))]
    [note] = notes(whole, flip_test=True, heads=heads)
    assert note.startswith(f'{OWN}mirrors pictures (RandomFlip and flip_test), but')
    assert note.endswith('and with flip_test=False in its test_cfg in model.head.heads.')
    heads[1] = dict(heads[1], test_cfg=dict(flip_test=True))
    found = notes(whole, flip_test=False, heads=heads)
    assert [note.split()[2] for note in found] == ['own', 'other', 'other']
    assert '(RandomFlip)' in found[0]


def test_a_head_cannot_add_the_flip_test(tiny_config):
    tiny_config.model.head.heads[1].setdefault('test_cfg', {}).update(flip_test=True)
    preflight.check(tiny_config, ('test',))
    tiny_config.model.test_cfg.flip_test = False
    message = r'The head of aic has test_cfg.flip_test=True, but .*: set model.test_cfg.flip_test=T'
    with pytest.raises(UserError, match=message):
        preflight.check(tiny_config, ('test',))


def test_a_model_without_a_head_has_no_sides():
    cfg = Config(dict(model=dict(), train_dataloader=dict(dataset=part([FLIP], {}))))
    assert list(flip_notes(cfg, [])) == []


def test_the_preflight_of_a_training_has_the_notes(tiny_config):
    for one in tiny_config.train_dataloader.dataset.datasets[:1]:
        one.pipeline = [step for step in one.pipeline if step['type'] != 'RandomFlip']
    [note] = preflight.check(tiny_config, ('train',))
    assert note.startswith('The dataset coco is trained without RandomFlip, but tested with')
