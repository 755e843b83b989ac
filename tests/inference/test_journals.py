"""Journals: what is written is read again, in the order of the pictures."""

import json
import os
import resource

import numpy as np
import pytest

from tests.helpers.trainings import Child, two_processes
from vitpose_plus.inference import journals
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.processes import OneProcess, started_by
from vitpose_plus.inference.results import Result


def journal(path, *lines, rest=''):
    path.write_text(''.join(f'{json.dumps(line)}\n' for line in lines) + rest)
    return path


def found(number, frame=None, name='a'):
    return dict(number=number, source=name, frame=frame, instances=[])


def failed(number, frame=None, error='broken'):
    return dict(number=number, source='a', frame=frame, error=error)


def ended(number):
    return dict(number=number, end=True)


def test_journals_are_merged_in_the_order_of_the_pictures(tmp_path):
    one = journal(tmp_path / '1', found(0, 0), found(0, 1), found(2), found(4))
    two = journal(tmp_path / '2', found(0, 2), ended(0), found(1), failed(3))
    lines = list(journals.merged([one, two]))
    assert [(line['number'], line['frame']) for line in lines] == [
        *[(0, frame) for frame in range(3)], (1, None), (2, None), (3, None), (4, None)
    ]  # fmt: skip


def test_a_later_prediction_replaces_a_failure_and_a_later_failure_the_earlier_one(tmp_path):
    one = journal(tmp_path / '1', failed(0), failed(1), failed(2, 5))
    two = journal(tmp_path / '2', found(0), failed(1, error='still broken'), found(2, 5))
    assert list(journals.merged([one, two])) == [
        found(0), failed(1, error='still broken'), found(2, 5)
    ]  # fmt: skip


def test_there_may_be_more_journals_than_files_can_be_open(tmp_path):
    paths = [
        journal(tmp_path / str(k), found(k, name='x' * 2**16), found(100 + k)) for k in range(99)
    ]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/dev/fd')) + 9, hard))
    try:
        numbers = [line['number'] for line in journals.merged(paths)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert numbers == [*range(99), *range(100, 199)]


@pytest.mark.parametrize('rest', ['{"number": 1, "sour', '\0\0\0\n{"number": 2}\n'])
def test_a_damaged_last_line_is_left_out(rest, tmp_path):
    assert list(journals.read([journal(tmp_path / '1', found(0), rest=rest)])) == [found(0)]


def test_a_result_is_the_same_after_it_is_read_again():
    generator = np.random.default_rng(0)
    instance = Instance(
        'pair',
        box=generator.uniform(0, 4000, 4).astype(np.float32),
        box_score=np.float32(0.3),
        keypoints=generator.uniform(0, 4000, (2, 2)).astype(np.float32),
        scores=generator.uniform(0, 1, 2).astype(np.float32),
        id=3,
        category_id=1,
        smoothed=generator.uniform(0, 4000, (2, 2)),
        filled=True,
        flip_distance=generator.uniform(0, 9, 2),
        spread=generator.uniform(0, 9, 2),
        jumps=np.array([False, True]),
    )
    line = Result('a.mp4', 64, 48, [instance], frame=2, time=1 / 3, image_id=7).to_dict()
    assert Result.from_dict(json.loads(json.dumps(line)), {}).to_dict() == line


@pytest.mark.forks
def test_processes_share_the_entries_and_the_sums(tmp_path, monkeypatch):
    """Each process asks for other entries, as some may be predicted already."""
    monkeypatch.chdir(tmp_path)

    def claim(start):
        processes = started_by('pytorch')
        for number in range(start, 400, 2 if start else 1):
            if processes.claims(number):
                assert processes.count('sum', number) >= number
                print(number)
        list(processes.wait())
        if processes.is_first:
            print('sum', processes.count('sum', 0))

    first, second = [
        Child(lambda start=start: claim(start), **each)
        for start, each in zip((0, 1), two_processes(), strict=True)
    ]
    (code, one), (other_code, two) = first.end(), second.end()
    assert code == other_code == 0, one + two
    *lines, total = one.splitlines()
    numbers = [int(line) for line in [*lines, *two.splitlines()]]
    assert len(numbers) == len(set(numbers))
    assert set(range(1, 400, 2)) <= set(numbers)  # asked for by both
    assert total == f'sum {sum(numbers)}'


@pytest.mark.forks
def test_the_first_process_does_not_wait_for_one_that_has_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def leave():
        processes = started_by('pytorch')
        if processes.is_first:
            list(processes.wait())
        processes.leave()

    first, second = [Child(leave, **each) for each in two_processes()]
    assert second.end() == (0, '')
    code, printed = first.end()
    assert code == 1
    assert 'A process has ended before all its pictures were predicted: run the same' in printed


def test_one_process_claims_everything():
    processes = OneProcess()
    assert all(processes.claims(number) for number in range(3))
    assert (processes.count('a', 2), processes.count('a', 3)) == (2, 5)
    assert processes.agree(lambda: 7) == 7
    assert list(processes.wait()) == []
