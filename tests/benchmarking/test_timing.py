"""Ways take turns; the rows of the tables follow from seconds by arithmetic."""

import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from vitpose_plus.benchmarking.ceilings import CEILING, product
from vitpose_plus.benchmarking.meters import CpuMeter, Meter
from vitpose_plus.benchmarking.reporting import (
    number,
    panels_of,
    relative,
    table_of,
    workers,
    write_json,
)
from vitpose_plus.benchmarking.running import rows_of
from vitpose_plus.benchmarking.timing import MIN_SECONDS, Measured, alternate
from vitpose_plus.benchmarking.training import BACKBONE
from vitpose_plus.benchmarking.ways import Role, Row, Way

CPU = torch.device('cpu')


class FakeMeter(Meter):
    """Every call takes the seconds that its way returns."""

    memory = ''

    def synchronise(self):
        pass

    def peak(self, run):
        return int(run() * 100)

    def seconds(self, run, repeats=1):
        return sum(run() for _ in range(repeats)) / repeats


def test_ways_take_turns_in_both_orders():
    calls = []
    times = dict(a=1.0, b=2.0, c=3.0)

    def way(name):
        return Way(name, 'fp32', lambda: calls.append(name) or times[name], 1)

    found = alternate([way(name) for name in times], 3, FakeMeter(CPU))
    assert calls == [*'aaabbbccc', *'abc', *'cba', *'abc']  # three calls of each to warm up
    assert found == [Measured([time] * 3, int(time * 100)) for time in times.values()]


def test_a_short_call_is_repeated_within_a_round():
    calls = []
    way = Way('short', 'fp32', lambda: calls.append(0) or MIN_SECONDS / 4, 1)
    [found] = alternate([way], 2, FakeMeter(CPU))
    assert len(calls) == 3 + 2 * 4
    assert found.seconds == [MIN_SECONDS / 4] * 2


def test_the_peak_memory_counts_what_a_call_allocates():
    meter = CpuMeter(CPU)
    low = meter.peak(lambda: None)
    high = meter.peak(lambda: torch.ones(2**26).sum())  # 256 MiB
    assert high - low > 200 * 2**20


def rows():
    """Ours 0.2 s and 0.1 s, another program 0.5 s; half and a quarter of the ceiling."""
    ways = [
        Way('ours', 'fp32', None, samples=4, flops=10e9),
        Way('ours', 'bf16', None, samples=4, flops=10e9),
        Way('other', 'fp32', None, samples=4, flops=10e9, role=Role.OTHER),
        Way(CEILING, 'fp32', None, samples=1, flops=200e9, role=Role.CEILING),
        Way(CEILING, 'bf16', None, samples=1, flops=800e9, role=Role.CEILING),
    ]
    seconds = [[0.1, 0.2, 9.0], [0.1] * 3, [0.5] * 3, [2.0] * 3, [2.0] * 3]
    return rows_of('forward', ways, [Measured(each, 2**30) for each in seconds])


def test_rows_have_medians_speeds_shares_and_ratios():
    found = rows()
    assert [row.median for row in found] == [0.2, 0.1, 0.5, 2.0, 2.0]
    assert found[0].per_second == pytest.approx(20)
    assert [row.share for row in found[:3]] == pytest.approx([0.5, 0.25, 0.2])
    assert relative(found[2], found) == pytest.approx((2.5, 5.0))
    assert relative(found[1], found) == pytest.approx((1.0, 1.0))


def test_the_table_has_the_ratios_and_the_ceiling():
    console = Console(width=140)
    with console.capture() as captured:
        console.print(table_of('forward', rows()))
    text = captured.get()
    [other] = [line for line in text.splitlines() if 'other' in line]
    assert other.split() == ['other', 'fp32', '500', '8', '2.50', '5.00', '20%', '1.00']
    assert '400 GFLOP/s' in text


@pytest.mark.parametrize('width', [80, 140])
def test_a_narrow_terminal_shows_all_numbers(width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table_of('forward', rows()))
    text = captured.get()
    assert '…' not in text
    assert max(map(len, text.splitlines())) <= width
    assert 'precision' in text


def test_numbers_have_no_exponent():
    assert [number(each) for each in (0.01234567, 12.3456, 9999.6, 25760.4)] == [
        *('0.01235', '12.35', '10000', '25760')
    ]


def test_the_json_file_has_all_seconds(tmp_path):
    write_json(tmp_path / 'numbers.json', dict(batch=4), rows(), ['a note'])
    content = json.loads((tmp_path / 'numbers.json').read_text())
    assert (content['batch'], content['notes']) == (4, ['a note'])
    assert content['rows'][0]['seconds'] == [0.1, 0.2, 9.0]
    assert content['rows'][2]['time_by_best'] == pytest.approx(5)


def test_a_panel_of_the_chart_has_the_rows_of_one_group():
    first, *others = rows()
    alone = replace(first, group=BACKBONE)
    panels = panels_of([first, alone, *others])
    shown = [row for row in (first, *others) if row.role is not Role.CEILING]
    assert len(shown) < 1 + len(others)
    assert panels == {(first.what, ''): shown, (first.what, BACKBONE): [alone]}


@pytest.mark.parametrize(
    ('loaded', 'text'),
    [
        (10, 'the loader is the limit, and the device needs 4 of them'),
        (80, 'the model is the limit, and the device needs 1 of them'),
    ],
)
def test_the_limit_of_a_training(loaded, text):
    one = dict(precision='fp32', flops=0, role=Role.OURS, group='', memory=0)
    load = Row(what='load', name='loader', samples=loaded, seconds=[1.0], **one)
    train = Row(what='train', name='ours', samples=35, seconds=[1.0], **one)
    alone = replace(train, samples=1000, group=BACKBONE)  # not a complete step
    assert text in workers([load, train, alone])
    assert workers([train]) is None


def test_the_ceiling_is_a_product_of_square_matrices():
    way = product('bf16', CPU, side=8)
    assert way.flops == 2 * 8**3
    out = way.run()
    assert out.dtype == torch.bfloat16
    a, b = way.run.args
    torch.testing.assert_close(out.float(), a.float() @ b.float(), atol=0.1, rtol=0.02)
