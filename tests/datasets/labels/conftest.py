"""A folder with the pictures of the example labels."""

from types import SimpleNamespace

import pytest

from tests.helpers.label_files import example


@pytest.fixture
def place(tmp_path):
    """The folder ``root``, and the ``labels`` of the pictures in it."""
    return SimpleNamespace(root=tmp_path, labels=example(tmp_path))
