"""Each class of boxes is assigned to a dataset."""

import pytest

from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import ANIMALS, parse
from vitpose_plus.inference.boxes.detectors import COCO

SIX = ('coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody')
BOTH = ('person', 'animal')
SPECIES = ('antelope', 'mouse', 'dog')  # names in AP-10K's file

# --dataset, the classes of the boxes, class -> dataset
POSED = [
    (None, (), {None: 'coco'}),
    (None, COCO, {'person': 'coco', 'dog': None, 'car': None, None: 'coco'}),
    ('aic', ('human',), {'human': 'aic'}),  # AI Challenger's file has no person
    ('ap10k', COCO, {'person': None, 'dog': 'ap10k', 'mouse': None, 'car': None}),
    ('ap10k', ('person',), {'person': 'ap10k'}),
    ('apt36k', SPECIES, dict.fromkeys(SPECIES, 'apt36k')),
    ('ap10k', BOTH, {'person': None, 'animal': 'ap10k'}),
    ('mpii', BOTH, {'person': 'mpii', 'animal': None}),
    (
        'person=coco_wholebody,animal=ap10k',
        COCO,
        {'person': 'coco_wholebody', 'car': None, None: None} | dict.fromkeys(ANIMALS, 'ap10k'),
    ),
    (' person = coco , animal = apt36k ', BOTH, {'person': 'coco', 'animal': 'apt36k'}),
    ('animal=ap10k,dog=apt36k', COCO, {'cat': 'ap10k', 'dog': 'apt36k', 'person': None}),
    ('animal=ap10k,dog=apt36k', (*BOTH, 'dog'), {'animal': 'ap10k', 'dog': 'apt36k'}),
    ({'person': 'mpii', 'animal': 'ap10k'}, (*SPECIES, 'person'), {'mouse': 'ap10k'}),
    ('car=coco', COCO, {'car': 'coco', 'person': None}),
]


@pytest.mark.parametrize(('text', 'labels', 'posed'), POSED)
def test_the_class_selects_the_dataset(text, labels, posed):
    assignment = parse(text, SIX, labels)
    assert {label: assignment.dataset_of(label) for label in posed} == posed
    assert set(posed.values()) - {None} <= set(assignment.datasets)


def test_datasets_are_in_the_order_given():
    assignment = parse('animal=ap10k,person=coco,dog=coco', SIX, COCO)
    assert assignment.datasets == ('ap10k', 'coco')


def test_the_only_dataset_is_the_default():
    assert parse(None, ['mouse_17']).dataset_of(None) == 'mouse_17'
    assert parse(None, ['mouse_17'], COCO).dataset_of('cat') == 'mouse_17'


BAD = [
    (None, SIX[1:], BOTH, 'has the datasets aic, mpii, .*: choose with --dataset DATASET'),
    ('cocoa', SIX, BOTH, "names 'cocoa', which the model does not have: give one of coco, aic"),
    ('person=cocoa', SIX, BOTH, "names 'cocoa', which the model does not have"),
    ('', SIX, BOTH, "names '', which the model does not have"),
    ('coco,ap10k', SIX, BOTH, "is 'coco,ap10k': give one dataset, or several by the class"),
    ('coco,animal=ap10k', SIX, BOTH, 'give one dataset, or several by the class of a box'),
    ('person=', SIX, BOTH, 'give one dataset, or several by the class of a box'),
    ('a=b=c', SIX, BOTH, 'give one dataset, or several by the class of a box'),
    ('person=coco,person=aic', SIX, BOTH, 'names person twice: give each class one dataset'),
    (
        'persn=coco',
        SIX,
        BOTH,
        "class 'persn', but the classes of the boxes are person, animal: give one of",
    ),
    (
        'animal=ap10k',
        SIX,
        ('person',),
        "class 'animal', but the classes of the boxes are person: give",
    ),
    ('person=coco', SIX, (), "class 'person', but the boxes have no classes: give"),
    ({}, SIX, BOTH, 'names no dataset'),
]


@pytest.mark.parametrize(('text', 'datasets', 'labels', 'sentence'), BAD)
def test_a_wrong_dataset_raises_one_sentence(text, datasets, labels, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        parse(text, datasets, labels)
    assert '\n' not in str(error.value)
