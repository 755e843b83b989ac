"""``export`` keeps only complete files that equal torch; impossible options are refused."""

import os
import re
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from tests.helpers.comparing import assert_same
from tests.helpers.demo import ROOT, TINY
from vitpose_plus.commands import main
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.export.crops import for_comparison
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporters import EXPORTERS
from vitpose_plus.export.exporters.torch_program import TorchProgramFile
from vitpose_plus.export.exporting import export, fold
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference.engines.opening import description_of, open_engine

CPU = torch.device('cpu')
HEATMAPS = Options('heatmaps')


@pytest.fixture(autouse=True, scope='module')
def _few_crops():
    """Files are compared on a few crops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('vitpose_plus.export.crops.for_comparison', partial(for_comparison, count=4))
        yield


@pytest.fixture
def unchecked(monkeypatch):
    """Files are not compared with torch."""
    no_crops = SimpleNamespace(source='')
    monkeypatch.setattr('vitpose_plus.export.crops.for_comparison', lambda *args: no_crops)
    monkeypatch.setattr('vitpose_plus.export.exporting.reference', lambda *args: None)
    monkeypatch.setattr('vitpose_plus.export.exporting.compare', lambda *args: [])


@pytest.fixture(scope='module')
def exported(plain, tmp_path_factory):
    """A .pt2 file with the heatmaps of the plain model, and the messages of its export."""
    messages = []
    path = tmp_path_factory.mktemp('exported') / 'plain.pt2'
    return export(plain, path, HEATMAPS, on_message=messages.append), messages


def test_the_file_equals_torch_and_nothing_else_is_left(plain, exported):
    done, messages = exported
    assert os.listdir(done.path.parent) == ['plain.pt2']
    assert done.size == done.path.stat().st_size
    assert description_of(done.path) == describe(plain, HEATMAPS)
    assert description_of(done.path).model == 'config'  # not its path
    assert str(ROOT).encode() not in done.path.read_bytes()
    assert [each.batch_size for each in done.differences] == [1, 2, 7]
    assert all(each.largest < 1e-5 for each in done.differences)
    assert [message.split()[0] for message in messages] == ['Computing', 'Writing', 'Running']
    given = torch.randn(64, 3, 128, 96)
    with torch.no_grad():
        expected = graph_of(plain.network, describe(plain, HEATMAPS))(given)
    assert_same(open_engine(done.path, CPU)(given), (expected,))


@pytest.fixture
def wrong(monkeypatch):
    """The exporter of .pt2 files changes a weight."""
    write = TorchProgramFile.write

    def change(self, program, description, path):
        [weights] = [v for k, v in program.state_dict.items() if k.endswith('final_layer.weight')]
        with torch.no_grad():
            weights *= 1.01
        write(self, program, description, path)
        with torch.no_grad():
            weights /= 1.01

    monkeypatch.setattr(TorchProgramFile, 'write', change)


def test_a_file_that_differs_is_not_kept(plain, wrong, tmp_path):
    path = tmp_path / 'earlier.pt2'
    path.write_bytes(b'earlier')
    with pytest.raises(RunError, match=r'With batches of 1, the file differs .* not kept: allowed'):
        export(plain, path, HEATMAPS)
    assert os.listdir(tmp_path) == ['earlier.pt2']
    assert path.read_bytes() == b'earlier'


@pytest.mark.parametrize('error', [RuntimeError('first line\nsecond line'), KeyboardInterrupt()])
def test_nothing_is_left_of_an_export_that_fails(plain, monkeypatch, tmp_path, error):
    def fail(self, program, description, path):
        path.write_bytes(b'half')
        path.with_suffix('.bin').write_bytes(b'half')
        raise error

    monkeypatch.setattr('vitpose_plus.export.exporting.capture', lambda *args: None)
    monkeypatch.setattr(TorchProgramFile, 'write', fail)
    with pytest.raises((RunError, KeyboardInterrupt)) as raised:
        export(plain, tmp_path / 'model.pt2', HEATMAPS)
    assert not os.listdir(tmp_path)
    if isinstance(error, RuntimeError):
        assert str(raised.value).endswith('the export failed: RuntimeError: first line')


class Two(TorchProgramFile):
    """Writes a copy of a file, and a companion."""

    content = b''

    @staticmethod
    def companion(path):
        return path.with_suffix('.bin')

    def write(self, program, description, path):
        path.write_bytes(self.content)
        self.companion(path).write_bytes(bytes(1000))


@pytest.fixture
def two(exported, monkeypatch):
    """The exporter of .pt2 files writes two files; the model is not captured."""
    monkeypatch.setattr(Two, 'content', exported[0].path.read_bytes())
    monkeypatch.setattr('vitpose_plus.export.exporting.capture', lambda *args: None)
    monkeypatch.setitem(EXPORTERS['.pt2'], 'fp32', Two)
    return Two


def test_a_companion_is_placed_with_its_file(plain, two, unchecked, tmp_path, monkeypatch):
    """The size is that of both files."""
    done = export(plain, tmp_path / 'new' / 'model.pt2', HEATMAPS)
    assert sorted(os.listdir(tmp_path / 'new')) == ['model.bin', 'model.pt2']
    assert done.size == done.path.stat().st_size + 1000
    monkeypatch.setattr(
        two, 'write', lambda self, program, description, path: path.write_bytes(two.content)
    )
    export(plain, done.path, HEATMAPS)
    # The companion of the earlier file is removed.
    assert os.listdir(tmp_path / 'new') == ['model.pt2']


def test_an_old_file_is_never_beside_a_new_companion(plain, two, unchecked, tmp_path, monkeypatch):
    (tmp_path / 'model.pt2').write_bytes(b'old')
    (tmp_path / 'model.bin').write_bytes(b'old')
    replace_file = os.replace

    def stop(source, target):
        replace_file(source, target)
        if target == tmp_path / 'model.bin':
            raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', stop)
    with pytest.raises(KeyboardInterrupt):
        export(plain, tmp_path / 'model.pt2', HEATMAPS)
    assert os.listdir(tmp_path) == ['model.bin']


def test_a_link_is_kept_and_its_file_is_written(plain, two, unchecked, tmp_path):
    (tmp_path / 'real').mkdir()
    link = tmp_path / 'link.pt2'
    link.symlink_to('real/model.pt2')
    done = export(plain, link, HEATMAPS)
    assert done.path == tmp_path / 'real' / 'model.pt2'
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path / 'real')) == ['model.bin', 'model.pt2']


def test_what_a_killed_export_left_is_removed(plain, two, unchecked, tmp_path):
    for name in ('.model.pt2.part-1', '.model.bin.part-2', '.other.pt2.part-3'):
        (tmp_path / name).mkdir()
    export(plain, tmp_path / 'model.pt2', HEATMAPS)
    assert sorted(os.listdir(tmp_path)) == ['.other.pt2.part-3', 'model.bin', 'model.pt2']


def test_wrong_input_stays_wrong_input(plain, two, unchecked, tmp_path, monkeypatch):
    """The message has the name of the file, not the temporary name."""

    def refuse(path, device):
        raise UserError(f'{path} needs a package.')

    monkeypatch.setattr('vitpose_plus.export.exporting.open_engine', refuse)
    with pytest.raises(UserError, match=f'^{tmp_path}/model.pt2 needs a package'):
        export(plain, tmp_path / 'model.pt2', HEATMAPS)


@pytest.mark.parametrize(
    ('words', 'problem'),
    [
        (['model.pth'], r'model\.pth must end in \.onnx or \.xml or \.pt2'),
        (['model.XML'], r'model\.XML must end in \.xml, in lower case: give another name'),
        (['model.onnx', '--precision', 'int8'], r'in int8: give a name that ends in \.xml'),
        (['model.xml', '--precision', 'int8'], 'give the config of the data with --calibrate'),
        (['model.pt2', '--calibrate', 'config.py'], '--calibrate is not used for --precision fp32'),
        (['there.pt2'], r'there\.pt2 exists: give another name, or replace it with --force'),
        (['with.onnx'], r'with\.onnx\.data exists: give another name'),
        (['link.onnx', '--force'], r'target\.txt must end in \.onnx or'),
        (['new.onnx'], r'/with\.onnx\.data exists: give another name'),
        (['no_folder/file/model.pt2'], 'cannot be written, as .*file is no folder'),
        (['model.pt2', '--dataset', ''], 'argument dataset is empty'),
    ],
)
def test_refusals_before_a_model_is_loaded(words, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ('there.pt2', 'with.onnx.data', 'no_folder/file'):
        os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
        open(name, 'w').close()
    os.symlink('target.txt', 'link.onnx')
    os.symlink('with.onnx', 'new.onnx')
    with pytest.raises(SystemExit) as end:
        main(['export', 'no_model', 'no_checkpoint', *words])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert re.search(problem, error), error


@pytest.mark.parametrize(
    'words',
    [
        ['no_model', 'model.pt2', '--outputs', 'heatmaps'],
        ['no_model', 'no_file.pth', 'model.pt2', '--outputs', 'heatmaps'],
        ['no_model', '--outputs', 'heatmaps', 'model.pt2'],
        ['no_model', 'no_file.pth', '--outputs', 'heatmaps', 'model.pt2'],
        ['--force', 'no_model', '--outputs', 'heatmaps', 'no_file.pth', '--dataset=a', 'model.pt2'],
    ],
)
def test_the_checkpoint_is_optional_and_options_are_anywhere(words, tmp_path, monkeypatch, capsys):
    """OUT is the last name."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(['export', *words])
    assert 'There is no model no_model' in capsys.readouterr().err


def test_the_help_has_all_arguments(capsys):
    with pytest.raises(SystemExit):
        main(['export', '--help'])
    text = capsys.readouterr().out
    assert 'CONFIG [CHECKPOINT] OUT' in text
    assert re.search(r'OUT +the file to write', text)


@pytest.mark.parametrize(
    ('words', 'problem'),
    [
        (
            [TINY],
            r'is a config: give its weights \(vitpose export CONFIG CHECKPOINT OUT\), or name',
        ),
        (['x.pth'], r'is a checkpoint: give it as CHECKPOINT, and its config as CONFIG'),
        (['nothing'], r'There is no model nothing: .* a config with CHECKPOINT'),
        (['x.onnx', 'x.pth'], r'has its own weights: leave out CHECKPOINT, .* as CONFIG'),
    ],
)
def test_messages_name_the_arguments_of_the_command(words, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ('x.pth', 'x.onnx'):
        open(name, 'w').close()
    with pytest.raises(SystemExit) as end:
        main(['export', *words, 'out.pt2'])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert re.search(problem, error), error
    assert '--' not in error


def test_a_dataset_that_the_model_does_not_have_is_refused(trained, plain):
    with pytest.raises(UserError, match=r"'zebra'.* give one of coco, aic, mpii, ap10k, apt36k"):
        fold(trained, 'zebra')
    assert fold(plain, 'coco').network is plain.network


def test_a_folded_model_has_the_heatmaps_of_its_dataset(trained):
    folded = fold(trained, 'ap10k')
    assert list(folded.skeletons) == list(folded.pipelines) == ['ap10k']
    whole, single = (describe(model, Options('heatmaps')) for model in (trained, folded))
    assert single.datasets == (whole.datasets[3],)
    assert not single.has_experts
    given = torch.randn(2, 3, 256, 192)
    with torch.no_grad():
        expected = graph_of(trained.network, whole)(given, torch.tensor([3, 3]))
        actual = graph_of(folded.network, single)(given)
    assert_same(actual, expected[:, :17])
