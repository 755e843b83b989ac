"""All commands read checkpoints with the same function, and print the same errors."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.checkpoints.test_mutations import WEIGHTS, Call, training
from tests.helpers.demo import TINY
from vitpose_plus.commands import main

MAE = 'mae-tiny_figures-256x192'
COMMANDS = {
    'test': ['test', TINY, 'IN'],
    'convert': ['convert', 'IN', 'out.pth'],
    'split': ['split', 'IN', 'coco', 'out.pth', '--config', TINY],
    'expand': ['expand', 'IN', 'out.pth', '--config', TINY],
    'pretrained': ['train', TINY, '--pretrained', 'IN'],
    'resume': ['train', TINY, '--resume', 'IN'],
    'load_from': ['train', TINY, '--cfg-options', 'load_from=IN'],
    'reconstruct': ['reconstruct', MAE, 'IN', '--out', 'out.png'],
}


def words_of(command, path):
    return [word.replace('IN', path) for word in COMMANDS[command]]


@pytest.mark.parametrize('command', COMMANDS)
def test_weights_that_are_not_finite_are_refused(command, workplace, capsys):
    weights = dict(weight=torch.tensor([1, torch.nan]))
    torch.save(dict(state_dict=weights, meta={}, message_hub={}, optimizer={}), 'in.pth')
    before = sorted(workplace.rglob('*'))
    words = words_of(command, 'in.pth')
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert re.match(r"error: in\.pth holds .* not finite .* in 'weight': give an earlier", error)
    assert error.count('\n') == 1
    assert sorted(workplace.rglob('*')) == before


def cut(path):
    torch.save(training(WEIGHTS), path)
    with open(path, 'r+b') as file:
        file.truncate(3000)


BAD = {
    'cut': (cut, r'is no checkpoint, or not complete: download or copy it again'),
    'tuple': (
        lambda path: torch.save(training({**WEIGHTS, ('a', 'b'): torch.ones(1)}), path),
        r"its key \('a', 'b'\) is no text \(tuple\)",
    ),
    'code': (
        lambda path: torch.save(training({**WEIGHTS, 'x': Call(os.mkdir, 'canary')}), path),
        r'holds more than data \(posix\.mkdir\): it is refused, and none of its code was run',
    ),
    'array': (
        lambda path: torch.save(training({**WEIGHTS, 'x': np.ones(2)}), path),
        r"its 'x' is no tensor \(ndarray\)",
    ),
    'some with a prefix': (
        lambda path: torch.save(training({**WEIGHTS, 'module.x': torch.ones(1)}), path),
        'has keys with and without the prefix "module.": keep one kind',
    ),
    'page': (lambda path: Path(path).write_text('<html>'), r'is a web page'),
    'list': (lambda path: torch.save([WEIGHTS], path), 'holds no state dict'),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', BAD)
def test_every_command_prints_the_same_error_for_a_bad_file(name, workplace, capsys):
    make, message = BAD[name]
    make('in.pth')
    before, printed = sorted(workplace.rglob('*')), set()
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main(words_of(command, 'in.pth'))
        assert stop.value.code == 2
        printed.add(capsys.readouterr().err)
        assert sorted(workplace.rglob('*')) == before
    [error] = printed
    assert re.fullmatch(rf'error: in\.pth:? .*{message}.*\n', error)
