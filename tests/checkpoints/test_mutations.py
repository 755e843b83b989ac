"""Mutations of a checkpoint: each is refused in one sentence, or gives exactly the same weights."""

import functools
import os
import pickle
import random
import subprocess
import tarfile
import zipfile
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
import torch
from mmengine.runner import load_checkpoint
from torch import nn

from tests.helpers.pickles import Call
from vitpose_plus.checkpoints import check_fit, load_from_local, reading, work_dirs
from vitpose_plus.errors import UserError

SAME, REFUSED, EITHER = 'same', 'refused', 'either'
HARMLESS = [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn]
HARMFUL = [torch.int64, torch.bool, torch.uint8, torch.complex64]


def small_model():
    """Its numbers are small integers, which are exact in every dtype."""
    head = nn.Sequential(nn.Conv2d(8, 5, 1), nn.BatchNorm2d(5))
    model = nn.ModuleDict(dict(backbone=nn.Linear(16, 8), head=head))
    for value in model.state_dict().values():
        value.copy_(torch.randint(1, 9, value.shape))
    return model


MODEL = small_model()
WEIGHTS = MODEL.state_dict()


def training(state):
    """A checkpoint as a training writes it."""
    meta = dict(epoch=2, iter=12, seed=0, cfg='', dataset_meta=dict(skeleton=np.empty((0, 2), int)))
    moments = {0: dict(step=torch.tensor(12.0), exp_avg=torch.ones(8, 16))}
    return dict(
        meta=meta,
        state_dict=state,
        message_hub=dict(log_scalars={}, runtime_info={}, resumed_keys={}),
        optimizer=dict(state=moments, param_groups=[dict(lr=1e-3, params=[0])]),
        param_schedulers=[],
    )


def saved(content, **options):
    buffer = BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def calls(canary):
    """Code that would make the file ``canary``, in the ways that a pickle can run code."""
    touch = f'open({canary!r}, "w")'
    return [
        Call(os.system, f'touch {canary}'),
        Call(os.mkdir, canary),
        Call(eval, touch),
        Call(exec, touch),
        Call(subprocess.call, ['touch', canary]),
        Call(functools.partial(os.system, f'touch {canary}')),
        Call(getattr, Call(__import__, 'os'), 'system'),
        Call(np.save, canary, np.zeros(1)),
        Call(np.load, canary),
        Call(bytearray, 2**60),
        Call(torch.load, canary),
        nn.Linear(2, 2),
    ]


# Each gets a random generator and the canary's name; it returns a file's bytes and the outcome.


def truncated(rng, canary):
    data = saved(training(WEIGHTS), _use_new_zipfile_serialization=rng.random() < 0.5)
    return data[: rng.randrange(len(data) - 1)], REFUSED


def bits_flipped(rng, canary):
    data = bytearray(saved(training(WEIGHTS)))
    for _ in range(rng.choice([1, 1, 2, 200])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data), EITHER


def bits_of_numbers_flipped(rng, canary):
    data = bytearray(saved(training(WEIGHTS)))
    value = rng.choice([v for v in WEIGHTS.values() if v.numel() > 4]).numpy().tobytes()
    data[data.index(value) + rng.randrange(len(value))] ^= 1 << rng.randrange(8)
    return bytes(data), REFUSED


def block_zeroed(rng, canary):
    data = saved(training(WEIGHTS))
    start, size = rng.randrange(len(data)), rng.choice([16, 512, 4096])
    return data[:start] + bytes(len(data[start : start + size])) + data[start + size :], EITHER


def bytes_inserted(rng, canary):
    data = saved(training(WEIGHTS))
    place = rng.choice([0, len(data), rng.randrange(len(data))])
    return data[:place] + rng.randbytes(rng.randrange(1, 100)) + data[place:], EITHER


def other_shape(rng, canary):
    name = rng.choice([n for n, v in WEIGHTS.items() if v.ndim])
    value = WEIGHTS[name]
    other = rng.choice([value[:-1], value[None], torch.cat([value, value]), value.sum()])
    return saved(training({**WEIGHTS, name: other})), REFUSED


def key_dropped(rng, canary):
    name = rng.choice(list(WEIGHTS))
    return saved(training({k: v for k, v in WEIGHTS.items() if k != name})), REFUSED


def key_renamed(rng, canary):
    name, new = rng.choice(list(WEIGHTS)), rng.choice(['other', '', 'model.other', 'module.x'])
    state = {new if k == name else k: v for k, v in WEIGHTS.items()}
    return saved(training(state)), REFUSED


def key_of_another_type(rng, canary):
    name = rng.choice(list(WEIGHTS))
    new = rng.choice([('a', 'b'), 3, None, b'weight', 1.5, True, frozenset()])
    return saved(training({new if k == name else k: v for k, v in WEIGHTS.items()})), REFUSED


def other_precision(rng, canary):
    dtype = rng.choice(HARMLESS)
    every = rng.random() < 0.5  # also the counter
    state = {k: v.to(dtype) if every or v.is_floating_point() else v for k, v in WEIGHTS.items()}
    return saved(training(state)), SAME


def other_kind_of_number(rng, canary):
    name = rng.choice([n for n, v in WEIGHTS.items() if v.is_floating_point()])
    return saved(training({**WEIGHTS, name: WEIGHTS[name].to(rng.choice(HARMFUL))})), REFUSED


def not_finite(rng, canary):
    name = rng.choice([n for n, v in WEIGHTS.items() if v.is_floating_point()])
    value = WEIGHTS[name].clone()
    value.view(-1)[rng.randrange(value.numel())] = rng.choice([np.nan, np.inf, -np.inf])
    return saved(training({**WEIGHTS, name: value})), REFUSED


def no_weight(rng, canary):
    name = 'backbone.weight'
    value = WEIGHTS[name]
    bad = [value.to_sparse(), value.to_sparse_csr(), value.to('meta'), value.numpy(), 3, None, 'x']
    bad += [torch.quantize_per_tensor(value, 1, 0, torch.qint8), value.tolist(), {name: value}]
    return saved(training({**WEIGHTS, name: rng.choice(bad)})), REFUSED


def other_storage(rng, canary):
    """Parameters, views of larger tensors, of the same tensor, and repeated numbers."""
    changes = [
        {k: nn.Parameter(v, v.is_floating_point()) for k, v in WEIGHTS.items()},
        {k: torch.stack([v, v])[1] for k, v in WEIGHTS.items()},
        {k: v.mT.contiguous().mT if v.ndim > 1 else v for k, v in WEIGHTS.items()},
    ]
    return saved(training(rng.choice(changes))), SAME


def rest_changed(rng, canary):
    """Changes another entry than the weights, which stay the same."""
    content = training(WEIGHTS)
    part = rng.choice([key for key in content if key != 'state_dict'])
    content[part] = rng.choice([None, 3, 'text', [], {}, {'epoch': 'x'}, torch.ones(2), {3: {}}])
    return saved(content), SAME


def wrapped(rng, canary):
    """Prefixes and wrappers, in chains."""
    prefix = ''.join(rng.choices(['module.', '_orig_mod.', 'model.'], k=rng.randrange(4)))
    state = {prefix + name: value for name, value in WEIGHTS.items()}
    wrappers = rng.sample(reading.WRAPPERS, rng.randrange(3))
    for number, wrapper in enumerate(wrappers):
        rest = training(state) if number + 1 == len(wrappers) else {}
        state = {**{k: v for k, v in rest.items() if k != 'state_dict'}, wrapper: state}
    return saved(state, _use_new_zipfile_serialization=rng.random() < 0.5), SAME


def half_prefixed(rng, canary):
    prefix = rng.choice(['module.', '_orig_mod.', 'model.'])
    names = rng.sample(list(WEIGHTS), 3)
    state = {prefix * (name in names) + name: value for name, value in WEIGHTS.items()}
    return saved(training(state)), REFUSED


def code(rng, canary):
    call, name = rng.choice(calls(canary)), rng.choice(['meta', 'state_dict', 'optimizer', 'x'])
    content = rng.choice(
        [call, {**training(WEIGHTS), name: call}, training({**WEIGHTS, 'backbone.weight': call})]
    )
    if rng.random() < 0.3:
        return pickle.dumps(content, rng.choice([0, 2, 4])), REFUSED
    return saved(content, _use_new_zipfile_serialization=rng.random() < 0.5), REFUSED


def other_content(rng, canary):
    nested = dict(state_dict=dict(backbone=WEIGHTS))
    content = rng.choice([{}, [], 3, 'text', None, WEIGHTS['backbone.weight'], nested, [WEIGHTS]])
    return saved(content), REFUSED


def packed(rng, canary):
    """Packed again by another tool, as a zip of the same parts."""
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(saved(training(WEIGHTS)))) as old,
        zipfile.ZipFile(buffer, 'w', rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue(), SAME


def other_file(rng, canary):
    zipped, tar = BytesIO(), BytesIO()
    with zipfile.ZipFile(zipped, 'w') as file:
        file.writestr('weights/epoch_1.pth', saved(WEIGHTS))
    with tarfile.open(fileobj=tar, mode='w') as file:
        file.addfile(tarfile.TarInfo('epoch_1.pth'))
    files = [
        b'',
        b'\n <!DOCTYPE html>',
        b'version https://git-lfs.github.com/spec/v1\noid sha256:0',
    ]
    files += [zipped.getvalue(), tar.getvalue(), b'\x1f\x8b\x08', rng.randbytes(5000), b'a note\n']
    return rng.choice(files), REFUSED


MUTATIONS = [
    truncated,
    bits_flipped,
    bits_of_numbers_flipped,
    block_zeroed,
    bytes_inserted,
    other_shape,
    key_dropped,
    key_renamed,
    key_of_another_type,
    other_precision,
    other_kind_of_number,
    not_finite,
    no_weight,
    other_storage,
    rest_changed,
    wrapped,
    half_prefixed,
    code,
    other_content,
    packed,
    other_file,
]


def refusal(read, path):
    """The sentence with which ``read`` refuses a file; None if it accepts it."""
    text = None
    try:
        read(path)
    except UserError as error:
        text = str(error)
    assert text is None or (str(path) in text and '\n' not in text)
    return text


def outcome(path):
    """Whether a file is refused or gives the same weights; all readers must agree."""
    refused = refusal(reading.read, path)
    assert refusal(lambda file: load_from_local(str(file)), path) == refused
    if refused:
        assert refusal(work_dirs.check_resumable, path) == refused
        return REFUSED
    refusal(work_dirs.check_resumable, path)  # accepted, or refused in one sentence
    if refusal(lambda file: check_fit(reading.read(file), MODEL, str(file)), path):
        return REFUSED
    model = small_model()
    load_checkpoint(model, str(path), map_location='cpu', logger='silent')
    for name, value in model.state_dict().items():
        assert torch.equal(value, WEIGHTS[name]), name
    return SAME


def try_mutations(number, seed, folder):
    """A table: mutation -> how often each outcome was seen."""
    canary, path, table = folder / 'canary', folder / 'epoch_2.pth', {}
    for index in range(number):
        rng = random.Random(f'{seed} {index}')
        mutate = MUTATIONS[index % len(MUTATIONS)]
        data, expected = mutate(rng, str(canary))
        path.write_bytes(data)
        seen = outcome(path)
        assert expected in (seen, EITHER), (mutate.__name__, index)
        assert not canary.exists(), (mutate.__name__, index)
        table.setdefault(mutate.__name__, Counter())[seen] += 1
    return table


def show(table):
    print()
    for name, seen in table.items():
        print(f'{name:<24} refused {seen[REFUSED]:>3}, same weights {seen[SAME]:>3}')


def test_untouched_weights_are_the_same(tmp_path):
    (tmp_path / 'w.pth').write_bytes(saved(training(WEIGHTS)))
    assert outcome(tmp_path / 'w.pth') == SAME
    assert refusal(work_dirs.check_resumable, tmp_path / 'w.pth') is None


def test_thirty_mutations(tmp_path):
    show(try_mutations(30, 0, tmp_path))


@pytest.mark.slow
def test_five_hundred_mutations(tmp_path):
    table = try_mutations(500, 1, tmp_path)
    show(table)
    assert table['bits_flipped'][REFUSED] > 0
    assert sum(map(Counter.total, table.values())) == 500


@pytest.mark.parametrize('number', [0, 1, 2, 3, 4, 7])
def test_the_code_would_have_made_the_canary(number, tmp_path):
    canary = tmp_path / 'canary'
    data = pickle.dumps(calls(str(canary))[number])
    pickle.loads(data)
    assert canary.exists() or canary.with_suffix('.npy').exists()
