"""The commands of benchmarks/gpu.py exist with their options; a GPU runs them."""

import argparse
import importlib
import importlib.util
import json

import pytest
from mmengine.config import Config

from tests.helpers.demo import ROOT
from vitpose_plus.models.building import build_on_meta


@pytest.fixture
def script(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location('gpu', ROOT / 'benchmarks' / 'gpu.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'OUT', tmp_path)
    return module


def parse(words):
    """Parses the words of a command of vitpose."""
    command, *own = words
    module = importlib.import_module(f'vitpose_plus.commands.{command}')
    parser = argparse.ArgumentParser(exit_on_error=False)
    module.add_arguments(parser)
    return parser.parse_args(own)


def test_the_commands_exist_with_their_options(script):
    calls = [script.training('part', kind, 0, 3) for kind in script.CONFIGS]
    calls += [command for name, command in script.COMMANDS.items() if name != 'tests']
    for call in calls:
        assert call[: len(script.VITPOSE)] == script.VITPOSE
        parse(call[len(script.VITPOSE) :])


def test_the_parts_of_a_training_follow_each_other(script, monkeypatch, tmp_path, capsys):
    """The figures and the number of epochs come first; both kinds have the same number."""
    calls = []

    def run(log, command, stop):
        calls.append(command)
        scalars = tmp_path / 'work_dirs' / 'calibration' / '1' / 'vis_data' / 'scalars.json'
        scalars.parent.mkdir(parents=True, exist_ok=True)
        scalars.write_text('{"lr": 1}\n{"time": 0.5}\n{"AP": 1}\n')
        return True

    monkeypatch.setattr(script, 'run', run)
    assert not script.run_part('train-plain-1', stop=0)
    assert 'The part figures comes first' in capsys.readouterr().out
    assert script.run_part('figures', stop=0)
    epochs = json.loads((tmp_path / 'epochs.json').read_text())
    assert epochs == round(script.MINUTES * 60 / (0.5 * script.PICTURES / script.BATCH))
    assert script.run_part('train-plain-1', stop=0)
    training, test = calls[-2:]
    assert f'train_cfg.max_epochs={epochs}' in training
    assert 'randomness.seed=1' in training
    assert test[-1] == 'train-plain-1.json'
    cfg = Config.fromfile(tmp_path / 'plain.py', format_python_code=False)
    assert cfg.model.backbone.ffn == dict(type='SharedFFN')
    assert not any('experts' in name for name in build_on_meta(cfg.model).state_dict())


def test_a_command_that_takes_too_long_gets_sigterm(script, tmp_path):
    code = (
        'import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print("saved", flush=1)))'
    )
    words = [script.sys.executable, '-c', f'{code}; print("ready", flush=True); time.sleep(60)']
    assert not script.run('log', words, stop=script.time.monotonic() + 0.4)
    assert (tmp_path / 'log.txt').read_text().split() in (['ready', 'saved'], [])
    assert script.run('log', [script.sys.executable, '-c', ''], stop=script.time.monotonic() + 60)
    assert not script.run('log', [script.sys.executable, '-c', '1/0'], script.time.monotonic() + 60)
