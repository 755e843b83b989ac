"""An import registers all classes; our own commands register them only when they need them."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from mmengine.utils.dl_utils import mmcv_full_available

from tests.helpers.demo import TINY, TWO_ITERATIONS
from tests.helpers.processes import environment, launch
from vitpose_plus import commands, registration
from vitpose_plus.commands import COMMANDS, main
from vitpose_plus.version import __version__

SCRIPT = str(Path(sysconfig.get_path('scripts')) / 'vitpose')
HEAVY = {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose'}
REGISTERED = (
    'from mmpose.registry import MODELS; from mmengine.registry import STRATEGIES; '
    'print("ViT" in MODELS, "DistilledTopdown" in MODELS, "ShardedStrategy" in STRATEGIES)'
)


def python(*arguments):
    """Runs Python in a new process; ``-X importtime`` lists the imported modules on stderr."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def imported(child):
    return {line.split('|')[-1].strip() for line in child.stderr.splitlines() if '|' in line}


@pytest.mark.parametrize('start', [['-m', 'vitpose_plus'], [SCRIPT]], ids=['-m', 'script'])
@pytest.mark.parametrize('words', [['--help'], ['--version'], ['train', '--frobnicate'], ['no']])
def test_help_version_and_wrong_arguments_import_nothing_heavy(start, words):
    child = python('-X', 'importtime', *start, *words)
    assert child.returncode == (0 if words[0].startswith('--') else 2)
    assert not imported(child) & HEAVY
    assert 'vitpose_plus.commands' in imported(child)  # the list is complete
    if words == ['--version']:
        assert child.stdout == f'vitpose_plus {__version__}\n'
    if words == ['--help']:
        assert all(re.search(rf'^    {command}\b', child.stdout, re.M) for command in COMMANDS)


@pytest.mark.parametrize('command', COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(command):
    child = python('-X', 'importtime', '-m', 'vitpose_plus', command, '--help')
    assert child.returncode == 0, child.stderr
    assert f'usage: vitpose {command}' in child.stdout
    assert not imported(child) & HEAVY
    others = {f'vitpose_plus.commands.{c.replace("-", "_")}' for c in COMMANDS if c != command}
    calls = {'demo': 2}  # figures and predict
    assert len(imported(child) & others) <= calls.get(command, 0)


def test_an_import_registers_everything():
    """mmpose can be imported, and the temporary replacement of mmcv's operators is removed."""
    code = (
        f'import sys, vitpose_plus, mmpose.models; {REGISTERED}\n'
        'from mmpose.apis import inference_topdown, init_model\n'
        'from mmengine.utils.dl_utils import mmcv_full_available\n'
        'print("mmcv._ext" in sys.modules or mmcv_full_available())'
    )
    child = python('-c', code)
    compiled = str(mmcv_full_available())
    assert child.stdout.split() == ['True', 'True', 'True', compiled], child.stderr


def test_custom_imports_register_everything(tmp_path):
    (tmp_path / 'mine.py').write_text("custom_imports = dict(imports=['vitpose_plus'])\n")
    read = f'from mmengine.config import Config; Config.fromfile({str(tmp_path / "mine.py")!r})'
    child = python('-c', f'{read}; {REGISTERED}')
    assert child.stdout.strip() == 'True True True', child.stderr


def test_a_command_loads_the_packages_that_it_needs():
    """Only the loaded packages can detect this bad input. Tests of trainings cover ``-m``."""
    child = python(SCRIPT, 'prepare-data', 'zebra', 'in', 'out')
    assert child.returncode == 2
    assert child.stderr.strip().startswith('error: There is nothing to prepare for zebra'), child


def test_a_missing_package_is_reported_in_one_sentence(monkeypatch, capsys):
    def fail():
        raise ImportError('vitpose_plus needs mmdet (mmpose imports it), which is not installed')

    monkeypatch.setattr(commands, 'register', fail)
    with pytest.raises(SystemExit) as stop:
        main(['figures', 'never'])
    assert stop.value.code == 1
    assert capsys.readouterr().err.startswith('error: vitpose_plus needs mmdet (mmpose imports it)')


def test_torchrun_and_spawned_workers(workplace):
    """torchrun starts ``python -m vitpose_plus``. Its workers are new processes with its argv."""
    options = [*TWO_ITERATIONS, 'env_cfg.mp_cfg.mp_start_method=spawn']
    options = [option.replace('num_workers=0', 'num_workers=1') for option in options]
    command = ['train', TINY, '--no-validate', '--work-dir', 'out', '--launcher', 'pytorch']
    launch(1, ['-m', 'vitpose_plus', *command, '--cfg-options', *options])
    assert (workplace / 'out' / 'epoch_1.pth').is_file()


PYTHON, WORKER = '/usr/bin/python3', ['-c', 'from multiprocessing.spawn import ...', '--fork']


@pytest.mark.parametrize(
    ('orig_argv', 'argv', 'own'),
    [
        ([PYTHON, '-m', 'vitpose_plus', 'train'], ['-m', 'train'], True),
        ([PYTHON, '-Xdev', '-mvitpose_plus'], ['-m'], True),
        ([PYTHON, '-u', '-m', 'vitpose_plus', '-m', 'x'], ['-m', '-m', 'x'], True),
        ([PYTHON, '/bin/vitpose', 'test'], ['/bin/vitpose', 'test'], True),
        ([PYTHON, '-W', 'ignore', '/bin/vitpose'], ['/bin/vitpose'], True),
        ([PYTHON, 'C:\\Scripts\\vitpose.exe', 'test'], ['C:\\Scripts\\vitpose.exe', 'test'], True),
        ([PYTHON, '-m', 'pytest', 'vitpose_plus'], ['-m', 'vitpose_plus'], False),
        ([PYTHON, '-m', 'vitpose_plus.sub'], ['-m'], False),
        ([PYTHON, '-m', 'mim', 'train'], ['/lib/mim/__main__.py', 'train'], False),
        ([PYTHON, '-c', 'import vitpose_plus', 'vitpose'], ['-c', 'vitpose'], False),
        ([PYTHON, 'vitpose.py'], ['vitpose.py'], False),
        ([PYTHON, '.mim/tools/train.py', 'x'], ['.mim/tools/train.py', 'x'], False),
        ([PYTHON, *WORKER], ['/bin/vitpose', 'train'], False),
        ([PYTHON, *WORKER], ['/lib/vitpose_plus/__main__.py', 'train', 'x', 'y'], False),
        ([PYTHON], [''], False),
        ([], [], False),
    ],
)
def test_our_command_is_recognised_among_other_programs(orig_argv, argv, own, monkeypatch):
    monkeypatch.setattr(sys, 'orig_argv', orig_argv)
    monkeypatch.setattr(sys, 'argv', argv)
    assert registration.is_own_command() is own


def test_env_prints_what_a_bug_report_needs(capsys):
    main(['env'])
    printed = capsys.readouterr().out
    main(['env', '--json'])
    assert list(json.loads(capsys.readouterr().out)) == [
        row.split('  ')[0] for row in printed.splitlines()
    ]
    for name in ('vitpose_plus', 'python', 'torch', 'mmpose', 'processor', 'GPU'):
        assert re.search(rf'^{name}\b', printed, re.M), printed
