"""Names of earlier versions: configs' still work, all others say where they are now."""

import importlib
import json
import pickle
import re
import sys

import pytest

import vitpose_plus
from tests.helpers.demo import ROOT
from vitpose_plus import moved

# Public functions and classes of every module at commit 285a535, the last without rooms.
NAMES = json.loads((ROOT / 'tests' / 'data' / 'earlier_version' / 'names.json').read_text())
NAMES_OF_MODULES = {module.removeprefix('vitpose_plus.') for module in NAMES}


@pytest.mark.parametrize(('old', 'new'), moved.ALIASES.items())
def test_what_configs_import_is_the_module_of_today(old, new):
    module = importlib.import_module(f'vitpose_plus.{old}')
    assert module is importlib.import_module(f'vitpose_plus.{new}')
    assert getattr(vitpose_plus, old) is module
    assert module.__name__ == module.__spec__.name == f'vitpose_plus.{new}'


def test_aliases_say_nothing(recwarn, capsys):
    moved.install()
    exec('import vitpose_plus.experiment; from vitpose_plus.pretraining import person_crops')
    assert not recwarn.list
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('name', moved.MOVED)
def test_a_moved_name_says_where_it_is(name):
    place, _, last = f'vitpose_plus.{name}'.rpartition('.')
    statements = [f'from {place} import {last}']
    if hasattr(sys.modules.get(place), '__path__') and last.islower():  # it was a module
        statements += [f'import {place}.{last}', f'from {place}.{last} import anything']
    for statement in statements:
        with pytest.raises(ImportError, match=re.escape(f'vitpose_plus.{name} has moved')):
            exec(statement)


@pytest.mark.parametrize('name', moved.MOVED)
def test_where_it_is_said_to_be_there_is_something(name):
    last, today = name.rpartition('.')[2], re.sub(r'\([^)]*\)', '', moved.MOVED[name])
    modules = [
        importlib.import_module(f'vitpose_plus.{place.strip()}')
        for place in re.split(',| or ', today)
    ]
    assert all(modules)
    if name not in NAMES_OF_MODULES and '(' not in moved.MOVED[name]:
        assert hasattr(modules[0], last)


@pytest.mark.parametrize('module', NAMES)
def test_every_public_name_of_before_works_or_says_where_it_is(module):
    lost = []
    for name in NAMES[module]:
        try:
            exec(f'from {module} import {name}')
        except ImportError as error:
            lost += [] if 'has moved: it is in vitpose_plus.' in str(error) else [name]
    assert not lost


def test_other_names_are_missing_as_anywhere():
    with pytest.raises(ModuleNotFoundError, match='No module named'):
        importlib.import_module('vitpose_plus.never')
    assert not hasattr(vitpose_plus, 'never')
    assert not hasattr(vitpose_plus.models, 'never')
    with pytest.raises(ImportError, match='cannot import name'):
        exec('from vitpose_plus.models import never')
    pickle.loads(pickle.dumps(vitpose_plus.models.ViT))  # asks modules for odd names
