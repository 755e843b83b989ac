"""The pictures that remain after earlier runs."""

import pytest

from tests.inference.test_journals import found, journal
from tests.inference.test_sources import put
from vitpose_plus.errors import RunError
from vitpose_plus.inference.processes import OneProcess
from vitpose_plus.inference.remaining import Remaining
from vitpose_plus.inference.sources import open_sources


def remaining(sources, journals):
    return Remaining(
        open_sources(sources), journals, OneProcess(), lambda place: True, lambda: False
    )


def test_pictures_without_a_prediction_remain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f'{name}.png' for name in 'abc']
    put(*names)
    earlier = [journal(tmp_path / '1', found(0, name='a.png'), found(2, name='c.png'))]
    items = list(remaining(names, earlier))
    assert [(item.picture.source, item.is_new) for item in items] == [('b.png', True)]


def test_journals_of_other_pictures_are_refused(tmp_path, monkeypatch):
    """If a picture is added during a run, later pictures get other numbers."""
    monkeypatch.chdir(tmp_path)
    put('a.png', 'b.png')
    earlier = [journal(tmp_path / '1', found(0, name='a.png'), found(1, name='aa.png'))]
    with pytest.raises(RunError, match=r'has predicted aa\.png as picture 1, which is b\.png now'):
        list(remaining(['a.png', 'b.png'], earlier))
