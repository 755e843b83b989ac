"""Files that are no checkpoint are refused in one sentence, and no code in them is run."""

import argparse
import gzip
import os
import pickle
import re
import tarfile
import warnings
import zipfile
from math import inf, nan

import pytest
import torch
from torch import nn

from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.errors import UserError

WEIGHTS = {'backbone.weight': torch.arange(6.0).reshape(2, 3), 'head.bias': torch.ones(2)}


class Payload:
    """Code as in a malicious pickle; here it only makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def damaged(path, **options):
    torch.save(dict(state_dict=WEIGHTS), path, **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    """One bit of the head's bias is changed after writing."""
    torch.save(dict(state_dict=WEIGHTS), path)
    data = bytearray(path.read_bytes())
    data[data.rindex(torch.ones(2).numpy().tobytes()) + 1] ^= 1
    path.write_bytes(data)


def not_finite(path, value=nan):
    weights = {**WEIGHTS, 'head.bias': torch.tensor([0, value]), 'last': torch.tensor([-inf])}
    torch.save(dict(state_dict=weights), path)


def scripted(path):
    with warnings.catch_warnings(action='ignore'):
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)


def zipped(path):
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('epoch_1.pth', 'weights')


def with_tensor(make):
    return lambda path: torch.save({**WEIGHTS, 'head.bias': make(torch.ones(2, 2))}, path)


def in_tar(path):
    with tarfile.open(path, 'w') as file:
        file.addfile(tarfile.TarInfo('epoch_1.pth'))


NO_WEIGHTS = 'give a file with the weights of a model'
UNPACK = 'unpack it, and give the checkpoint'
NOT_COMPLETE = 'is no checkpoint, or not complete: download or copy it again'
DAMAGED = 'is damaged, its bytes have changed since it was written .*: download or copy it again'
NOT_FINITE = r"not finite .* in 2 of its 3 tensors, first in 'head\.bias': give an earlier"
BAD = {
    'truncated.pth': (damaged, NOT_COMPLETE),
    'truncated_old.pth': (lambda p: damaged(p, _use_new_zipfile_serialization=False), NOT_COMPLETE),
    'flipped.pth': (flipped, DAMAGED),
    'nan.pth': (not_finite, NOT_FINITE),
    'infinity.pth': (lambda p: not_finite(p, inf), NOT_FINITE),
    'text.pth': (lambda p: p.write_text('a note, not a model\n'), NOT_COMPLETE),
    'empty.pth': (lambda p: p.touch(), 'is empty: download or copy it again'),
    'missing.pth': (lambda p: None, 'does not exist: check its path'),
    'list.pth': (lambda p: torch.save([1, 2], p), 'holds no state dict: give a file with the'),
    'number.pth': (lambda p: torch.save(3, p), 'holds no state dict: give a file with the'),
    'mixed.pth': (lambda p: torch.save({**WEIGHTS, 'epoch': 3}, p), "its 'epoch' is no tensor"),
    'twice.pth': (
        lambda p: torch.save({'a': torch.ones(1), 'module.a': torch.ones(1)}, p),
        'It has keys with and without the prefix "module."',
    ),
    'sharded': (
        lambda p: (p.mkdir(), (p / 'model.safetensors.index.json').touch()),
        'are split into shards: save them in one file',
    ),
    'tuple.pth': (
        lambda p: torch.save({('a', 'b'): torch.ones(1)}, p),
        rf"its key \('a', 'b'\) is no text \(tuple\); {NO_WEIGHTS}",
    ),
    'array.pth': (with_tensor(lambda v: v.numpy()), r"'head\.bias' is no tensor \(ndarray\)"),
    'sparse.pth': (with_tensor(lambda v: v.to_sparse()), r"'head\.bias' is a sparse tensor;"),
    'complex.pth': (with_tensor(lambda v: v.cfloat()), "'head.bias' is a tensor of complex64;"),
    'meta.pth': (with_tensor(lambda v: v.to('meta')), r'without numbers \(of the meta device\)'),
    'module.pth': (
        lambda p: torch.save(nn.Linear(2, 2), p),
        r'holds more than data \(torch\.nn\.modules\.linear\.Linear\): it is refused',
    ),
    'scripted.pth': (scripted, r'is a TorchScript program .*: give a file that torch\.save'),
    'zip.pth': (zipped, f'is a zip archive of other files, no checkpoint: {UNPACK} in it'),
    'tar.pth': (in_tar, f'is a tar archive, no checkpoint: {UNPACK} in it'),
    'w.pth.gz': (lambda p: p.write_bytes(gzip.compress(b'x')), rf'compressed \(gzip\).*: {UNPACK}'),
    'page.pth': (
        lambda p: p.write_text('\n<!DOCTYPE html>'),
        'is a web page .*: download the file',
    ),
    'pointer.pth': (
        lambda p: p.write_text('version https://git-lfs.github.com/spec/v1\n'),
        'is a pointer of git-lfs, not the file it stands for, no checkpoint: run git lfs pull',
    ),
    'pipe.pth': (os.mkfifo, 'is a pipe or a device: give a file'),
    'n' * 300: (lambda p: None, 'does not exist: check its path'),
    'loop.pth': (lambda p: p.symlink_to(p), 'does not exist: check its path'),
    'text.safetensors': (lambda p: p.write_text('a note'), r'cannot be read as safetensors \('),
    'empty.safetensors': (lambda p: p.touch(), 'is empty'),
    'folder': (lambda p: p.mkdir(), 'holds neither model.safetensors nor pytorch_model.bin'),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_files_get_one_sentence_with_their_name(name, tmp_path):
    make, message = BAD[name]
    make(tmp_path / name)
    with pytest.raises(ValueError, match=message) as error:
        reading.read(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('save', [torch.save, lambda c, p: pickle.dump(c, p.open('wb'), 2)])
def test_a_pickle_with_code_is_refused_and_its_code_does_not_run(save, tmp_path):
    path, proof = tmp_path / 'evil.pth', tmp_path / 'proof'
    save(dict(state_dict=Payload(str(proof))), path)
    with pytest.raises(ValueError, match=r'evil\.pth holds more than data .* is refused'):
        reading.read(path)
    assert not proof.exists()
    torch.load(path, weights_only=False) if save is torch.save else pickle.load(path.open('rb'))
    assert proof.exists()  # it would have run


def test_the_refusal_names_the_code(tmp_path):
    torch.save(Payload('x'), tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match=r'holds more than data \(posix\.mkdir\): it is refused'):
        reading.read(tmp_path / 'evil.pth')


@pytest.mark.parametrize(
    'content',
    [
        WEIGHTS,
        dict(state_dict=WEIGHTS, meta=dict(epoch=3), optimizer={}),
        dict(model=WEIGHTS, args=argparse.Namespace(lr=1.0)),
        dict(module=WEIGHTS),
        dict(state_dict={f'module.{name}': value for name, value in WEIGHTS.items()}),
    ],
)
@pytest.mark.parametrize('zipped', [True, False])
def test_every_wrapper_gives_the_same_weights(content, zipped, tmp_path):
    path = tmp_path / 'w.pth'
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    read = reading.read(path)
    assert set(read) == set(WEIGHTS)
    assert all(torch.equal(read[name], value) for name, value in WEIGHTS.items())


def test_numbers_that_are_repeated_take_no_time(tmp_path):
    """An expanded tensor may be far larger than its file."""
    for number, value in enumerate((1.0, nan)):
        torch.save({'a': torch.tensor([[value]]).expand(10**6, 10**6)}, tmp_path / f'{number}.pth')
    assert reading.read(tmp_path / '0.pth')['a'].shape == (10**6, 10**6)
    with pytest.raises(UserError, match='not finite'):
        reading.read(tmp_path / '1.pth')


def test_a_dict_that_holds_itself_is_one_sentence(tmp_path):
    circle = {}
    circle['model'] = circle
    torch.save(circle, tmp_path / 'w.pth')
    with pytest.raises(UserError, match=r"its 'model' is no tensor \(dict\)"):
        reading.read(tmp_path / 'w.pth')


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_the_content_decides_not_the_suffix(suffix, tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    for number, save in enumerate((torch.save, safetensors.save_file)):
        path = tmp_path / f'{number}{suffix}'
        save(WEIGHTS, path)
        read = reading.read(path)
        assert all(torch.equal(read[name], value) for name, value in WEIGHTS.items())


@pytest.mark.skipif(os.getuid() == 0, reason='root may read everything')
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path):
    torch.save(WEIGHTS, tmp_path / 'w.pth')
    (tmp_path / 'w.pth').chmod(0)
    with pytest.raises(UserError, match=r'w\.pth cannot be read \(Permission denied\): check'):
        reading.read(tmp_path / 'w.pth')


def test_a_written_file_contains_nothing_but_the_given_tensors(tmp_path):
    big = torch.zeros(100_000)
    path = tmp_path / 'deep' / 'w.pth'
    writing.write(path, {**WEIGHTS, 'part': big[:3]})
    assert set(reading.read(path)) == {*WEIGHTS, 'part'}
    assert path.stat().st_size < 10_000  # without the big tensor of which `part` is a view
    assert [p.name for p in path.parent.iterdir()] == ['w.pth']


def test_no_flipped_bit_of_the_list_of_contents_changes_weights(tmp_path):
    """Every error of zipfile or torch becomes one sentence, and none is about permissions."""
    path = tmp_path / 'w.pth'
    torch.save(WEIGHTS, path)
    data = path.read_bytes()
    refusals = []
    for place in range(data.index(b'PK\1\2'), len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 128]) + data[place + 1 :])
        try:
            read = reading.read(path)
            assert all(torch.equal(read[name], value) for name, value in WEIGHTS.items())
        except UserError as error:
            refusals.append(str(error))
    assert len(refusals) > 300
    assert [text for text in refusals if not re.search(f'{NOT_COMPLETE}|{DAMAGED}', text)] == []


def test_a_file_without_check_sums_is_read(tmp_path):
    """torch can leave them out to save time."""
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(WEIGHTS, tmp_path / 'w.pth')
    finally:
        torch.serialization.set_crc32_options(True)
    assert zipfile.ZipFile(tmp_path / 'w.pth').testzip() is not None
    assert torch.equal(reading.read(tmp_path / 'w.pth')['head.bias'], torch.ones(2))


@pytest.mark.parametrize('dtype', [torch.float16, torch.float64, torch.float8_e5m2, torch.int64])
def test_large_numbers_are_finite_also_where_their_sum_is_not(dtype):
    info = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    large = torch.full((1000,), info.max, dtype=dtype)
    reading.check_tensors(dict(large=large), 'w.pth')
    if dtype.is_floating_point:
        large[-1] = nan
        with pytest.raises(UserError, match=r"in 1 of its 1 tensors, first in 'large'"):
            reading.check_tensors(dict(large=large), 'w.pth')
