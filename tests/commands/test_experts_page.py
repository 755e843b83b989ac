"""The page docs/experts.md: every command runs, in the order of the page, on few figures."""

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from tests.helpers.demo import ROOT
from tests.helpers.models import SIX, same
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import Child, finished
from vitpose_plus.checkpoints import reading
from vitpose_plus.commands import main, new_dataset
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.experiments.new_dataset import sizing
from vitpose_plus.experiments.new_dataset.sizing import Machine, Sized

PAGE = (ROOT / 'docs' / 'experts.md').read_text()
COMMANDS = re.findall('^(vitpose|python) (.+)$', PAGE, re.M)
SMALL = dict(epochs=1, repeats=1, batch_size=2, warm_up=1)
FEW = ['--num-train', '6', '--num-val', '2']


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A working folder with the files of the repository that the page uses."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tests' / 'data').mkdir(parents=True)
    shutil.copy(FILE, tmp_path / 'tests' / 'data')
    (tmp_path / 'projects').symlink_to(ROOT / 'projects')
    given = sizing.schedule
    changed = {key: Sized(value, 'for the test') for key, value in SMALL.items()}
    monkeypatch.setattr(sizing, 'schedule', lambda *words: given(*words) | changed)
    monkeypatch.setattr(new_dataset, 'machine', lambda: Machine(cores=1))
    return tmp_path


def run(program, words):
    """Runs a command of the page; writes only a few figures."""
    if program == 'python':
        runpy.run_path(words[0])['main'](*words[1:])
        return
    main([*words, *(FEW if words[0] == 'figures' else [])])


@pytest.mark.forks
@pytest.mark.minutes
def test_every_command_of_the_page_runs(root):
    for program, text in COMMANDS:
        finished(Child(lambda program=program, text=text: run(program, shlex.split(text))))
    seven, again = (reading.read(f'{name}.pth') for name in ('seven', 'again'))
    assert list(again) == list(seven)
    same(again, seven)
    models = [Config.fromfile(f'{name}.py').model for name in ('seven', 'again')]
    assert models[0] == models[1]
    assert [head.dataset for head in models[0].head.heads] == [*SIX, 'zebra']
    assert list(Path('seven').rglob('*.json*'))
    suggested = read_labels([Path('next')]).pictures
    assert suggested
    train, val = (
        {Path(each['file_name']).name for each in json.loads(path.read_text())['images']}
        for path in (Path('zebra', 'annotations', f'{part}.json') for part in ('train', 'val'))
    )
    assert {each.path.name for each in suggested} <= train
    assert val == {line.split('/')[-1] for line in Path('zebra/held_out.txt').read_text().split()}


def test_the_page_has_the_commands_of_a_part():
    assert [text.split()[0] for program, text in COMMANDS if program == 'vitpose'][:7] == [
        *('figures', 'new-dataset', 'train', 'join', 'predict', 'split', 'join')
    ]
