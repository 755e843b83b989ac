"""A config that cannot be read gives one sentence with the wrong file and the line."""

import re

import pytest

from tests.helpers.demo import ROOT
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import load_config, read_config

BASE = f"_base_ = '{ROOT}/configs/vitpose/vitpose-small_coco-256x192.py'\n"
SYNTAX = 'model = dict(a=1\n'
# Other files with their contents, the content of the file that is read, and the message.
CASES = {
    'syntax': ({}, BASE + SYNTAX, r"own\.py cannot .* \(line 2: '\(' was never closed\): correct"),
    'syntax in a parent': ({'a.py': SYNTAX}, "_base_ = 'a.py'", r"a\.py cannot .*\(line 1: '\('"),
    'no parent': (
        {},
        "_base_ = './no.py'",
        r'own\.py has \./no\.py in `_base_`, but .*no\.py does',
    ),
    'no parent of a parent': (
        {'a.py': "_base_ = 'no.py'"},
        "_base_ = ['a.py']",
        r'a\.py has no\.py in `_base_`, but',
    ),
    'its own parent': ({}, "_base_ = 'own.py'", r'own\.py in `_base_`, but is a parent of that'),
    'two that are parents of each other': (
        {'a.py': "_base_ = 'own.py'"},
        "_base_ = 'a.py'",
        r'a\.py has own\.py in `_base_`, but is a parent of that file: remove own',
    ),
    'a name': ({}, f'{BASE}a = 1\nb = nowhere\n', r"own\.py .*\(line 3: NameError: name 'nowhere'"),
    'a name in a parent': ({'a.py': 'b = c'}, "_base_ = 'a.py'", r'a\.py .*\(line 1: NameError'),
    'a module': (
        {},
        f'{BASE}import nowhere',
        r"line 2: ModuleNotFoundError: No module .*'nowhere'",
    ),
    'custom imports': (
        {},
        f"{BASE}custom_imports = dict(imports=['nowhere'])",
        r'\(ImportError: Failed to import nowhere\): correct it',
    ),
    'a key': ({}, f"{BASE}a = _base_['nowhere']", r"line 2: KeyError: 'nowhere'"),
    'an end': ({}, f'{BASE}import sys\nsys.exit(0)', r'line 3: SystemExit: 0'),
    'no end': (
        {},
        'def f(): return f()\nmodel = f()',
        r'line 2: RecursionError: maximum recursion',
    ),
    'an import before the parents': (
        {},
        f'import numpy as np\n{BASE}',
        r'own\.py has imports before its `_base_`.* lazy config, .*: put `_base_` first',
    ),
    'an import without parents': (
        {},
        'import numpy as np\na = float(np.pi)',
        r"line 2: TypeError: .*'LazyAttr'; mmengine reads it as a lazy config, in which imports",
    ),
    'a lazy parent': (
        {},
        'from mmengine.config import read_base\nwith read_base():\n    from .no import *',
        r'own\.py cannot .*no\.py not found',
    ),
    'a dict over a value': ({}, f'{BASE}load_from = dict(a=1)', 'load_from=.*cannot inherit from'),
    'a function of ours': (
        {},
        f'{BASE}from vitpose_plus.experiments import single_dataset_config\n'
        "single_dataset_config(_base_, 'zebra')",
        r"own\.py: There is no entry of the dataset 'zebra' in the config",
    ),
    'bytes': ({}, b'\xff\xfe', r'own\.py cannot .*UnicodeDecodeError'),
    'nothing': ({}, '', r'own\.py has no model with a backbone: give the config of a model'),
    'a model that is a number': ({}, f'{BASE}model = 3', r'own\.py has no model with a backbone'),
    'a head that is a number': (
        {},
        "model = dict(type='TopdownPoseEstimator', backbone=dict(type='ViT'), head=3)",
        r'own\.py has model\.head=3: give a dict of its type and arguments',
    ),
    'another ending of a parent': (
        {'a.txt': ''},
        "_base_ = 'a.txt'",
        r'a\.txt cannot .*Only py/yml',
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_a_config_that_cannot_be_read_is_one_sentence(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others, own, message = CASES[case]
    for name, text in {**others, 'own.py': own}.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for read in (load_config, read_config):
        with pytest.raises(UserError) as error:
            read('own.py')
        assert re.search(message, str(error.value)), error.value
        assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.json', '{"a": ', r'a\.json cannot be read as a config \(JSONDecodeError'),
        ('a.json', '[1]', r'a\.json cannot be read as a config \(AttributeError'),
        ('a.yaml', 'a: [1', r'a\.yaml cannot be read as a config \(ParserError'),
        ('a.txt', 'a = 1', r'a\.txt cannot be read as a config \(OSError: Only py/yml'),
        ('folder/a.py', '', r'folder is a folder without config\.py: give a'),
    ],
)
def test_other_files_are_named_too(name, text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        load_config(name.split('/')[0])


def test_imports_after_the_parents_are_read(tmp_path):
    """mmengine reads a config as Python if `_base_` comes first."""
    more = (
        'import numpy as np\ndef double(x):\n    return 2 * x\nwork_dir = str(double(int(np.e)))\n'
    )
    (tmp_path / 'own.py').write_text(BASE + more)
    assert load_config(str(tmp_path / 'own.py')).work_dir == '4'
