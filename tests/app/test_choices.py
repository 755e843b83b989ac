"""The choices of the page: keypoints and boxes of each kind of model."""

from dataclasses import replace
from functools import cache

import pytest

from vitpose_plus.app.choices import HAND, Choice, boxes_of, datasets_of
from vitpose_plus.checkpoints import fetching
from vitpose_plus.checkpoints.layouts.heads import SIX
from vitpose_plus.inference.models import origin_of

DETECTORS = ('rtmdet-m', 'rtmdet-m-coco', 'work/mine')
RULE = 'person=coco,animal=ap10k'


@pytest.fixture
def facts(monkeypatch):
    """The facts about a model; nothing may be downloaded."""

    def fail(*_):
        raise AssertionError('downloaded')

    monkeypatch.setattr(fetching, '_download', fail)
    return facts_about


@cache
def facts_about(name):
    return origin_of(name).facts()


def values(choices):
    return [choice.value for choice in choices]


def test_a_model_of_six_datasets_has_a_rule(facts):
    choices = datasets_of(facts('vitpose-plus-base'))
    assert values(choices) == [*SIX, RULE]
    assert choices[-1] == Choice(f'people and animals ({RULE})', RULE)


def test_a_model_of_one_dataset_has_one_choice(facts):
    assert values(datasets_of(facts('vitpose-plus-large'))) == ['coco']
    assert values(datasets_of(facts('vitpose-small-ap10k'))) == ['ap10k']


def test_the_detectors_have_the_classes_of_the_keypoints(facts):
    six = facts('vitpose-plus-base')
    assert values(boxes_of(six, 'coco', DETECTORS)) == [*DETECTORS, HAND, 'whole']
    assert values(boxes_of(six, 'ap10k', DETECTORS)) == [*DETECTORS[1:], HAND, 'whole']
    assert values(boxes_of(six, RULE, DETECTORS)) == [*DETECTORS[1:]]
    titles = [choice.title for choice in boxes_of(six, 'coco', DETECTORS)]
    assert titles == [
        'people, by the detector rtmdet-m',
        'people and animals, by the detector rtmdet-m-coco',
        'the detector mine',
        'drawn by hand',
        'the whole picture',
    ]


@pytest.mark.parametrize(
    ('predict', 'dataset', 'boxes'),
    [
        (dict(boxes='refine'), 'coco', 'refine'),
        (dict(boxes='whole', dataset='ap10k'), 'ap10k', 'whole'),
        (dict(boxes='file'), 'coco', 'rtmdet-m'),
        (dict(boxes='rtmdet-nano', dataset=RULE), RULE, 'rtmdet-nano'),
        (dict(dataset='aic'), 'aic', 'rtmdet-m'),
    ],
)
def test_the_defaults_of_a_config_come_first(predict, dataset, boxes, facts):
    base = facts('vitpose-plus-base')
    own = replace(base, defaults=predict)
    assert values(datasets_of(own))[0] == dataset
    assert values(boxes_of(own, 'coco', DETECTORS))[0] == boxes
    assert len(set(values(datasets_of(own)))) == len(datasets_of(own)) == 7


def test_a_bottom_up_model_has_no_boxes(facts):
    bottom_up = facts('vitpose-bottomup-tiny_figures-128x128')
    assert values(datasets_of(bottom_up)) == ['coco']
    assert boxes_of(bottom_up, 'coco', DETECTORS) == []
