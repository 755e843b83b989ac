"""A training that a signal stops gets no report."""

import signal

import pytest

from tests.helpers.trainings import finished, interrupted, write_config
from tests.reports.conftest import MORE
from vitpose_plus.engine.signals import TERMINATED
from vitpose_plus.reports.history import ENDED

pytestmark = pytest.mark.forks


def test_no_report_after_a_signal(figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_config(figures, more=MORE.format(figures=figures))
    printed = finished(interrupted(signal.SIGTERM, 1, 'small.py', 'stopped'), TERMINATED)
    assert ENDED not in printed
    assert not list((tmp_path / 'stopped').glob('report.*'))
