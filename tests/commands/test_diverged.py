"""Every command reads checkpoints with the one reader: here by weights that have diverged."""

import re

import pytest
import torch

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


@pytest.mark.parametrize('command', COMMANDS)
def test_one_sentence_and_nothing_written(command, workplace, capsys):
    weights = dict(weight=torch.tensor([1, torch.nan]))
    torch.save(dict(state_dict=weights, meta={}, message_hub={}, optimizer={}), 'in.pth')
    before = sorted(workplace.rglob('*'))
    words = [word.replace('IN', 'in.pth') for word in COMMANDS[command]]
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert re.match(r"error: in\.pth holds .* not finite .* in 'weight': give an earlier", error)
    assert error.count('\n') == 1
    assert sorted(workplace.rglob('*')) == before
