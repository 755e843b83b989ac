"""Names of earlier versions: those in configs work, others raise an error with the new place."""

import importlib
import json
import pickle
import re
import sys

import pytest

import vitpose_plus
from tests.helpers.demo import ROOT
from vitpose_plus import moved

# Public functions and classes of every module at commit 285a535. Then all were in one folder.
NAMES = json.loads((ROOT / 'tests' / 'data' / 'earlier_version' / 'names.json').read_text())
NAMES_OF_MODULES = {module.removeprefix('vitpose_plus.') for module in NAMES}


@pytest.mark.parametrize(('old', 'new'), moved.ALIASES.items())
def test_old_names_in_configs_import_the_current_module(old, new):
    module = importlib.import_module(f'vitpose_plus.{old}')
    assert module is importlib.import_module(f'vitpose_plus.{new}')
    assert getattr(vitpose_plus, old) is module
    assert module.__name__ == module.__spec__.name == f'vitpose_plus.{new}'


def test_aliases_print_no_warning(recwarn, capsys):
    moved.install()
    exec('import vitpose_plus.experiment; from vitpose_plus.pretraining import person_crops')
    assert not recwarn.list
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('name', moved.MOVED)
def test_a_moved_name_raises_an_error_with_its_new_place(name):
    place, _, last = f'vitpose_plus.{name}'.rpartition('.')
    statements = [f'from {place} import {last}']
    if hasattr(sys.modules.get(place), '__path__') and last.islower():  # it was a module
        statements += [f'import {place}.{last}', f'from {place}.{last} import anything']
    for statement in statements:
        with pytest.raises(ImportError, match=re.escape(f'vitpose_plus.{name} has moved')):
            exec(statement)


@pytest.mark.parametrize('name', moved.MOVED)
def test_the_new_place_of_a_moved_name_exists(name):
    last, today = name.rpartition('.')[2], re.sub(r'\([^)]*\)', '', moved.MOVED[name])
    modules = [
        importlib.import_module(f'vitpose_plus.{place.strip()}')
        for place in re.split(',| or ', today)
    ]
    assert all(modules)
    if name not in NAMES_OF_MODULES and '(' not in moved.MOVED[name]:
        assert hasattr(modules[0], last)


@pytest.mark.parametrize('module', NAMES)
def test_every_old_public_name_works_or_raises_an_error_with_its_new_place(module):
    unknown = []
    for name in NAMES[module]:
        try:
            exec(f'from {module} import {name}')
        except ImportError as error:
            unknown += [] if 'has moved: it is in vitpose_plus.' in str(error) else [name]
    assert not unknown


def test_unknown_names_raise_the_usual_errors():
    with pytest.raises(ModuleNotFoundError, match='No module named'):
        importlib.import_module('vitpose_plus.never')
    assert not hasattr(vitpose_plus, 'never')
    assert not hasattr(vitpose_plus.models, 'never')
    with pytest.raises(ImportError, match='cannot import name'):
        exec('from vitpose_plus.models import never')
    pickle.loads(pickle.dumps(vitpose_plus.models.ViT))  # looks up unusual names in modules
