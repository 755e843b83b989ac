"""The command ``app``: errors before the server starts, and its end by a signal."""

import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request

import pytest

from tests.helpers.demo import TINY
from tests.helpers.processes import free_port
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main

MODEL = ['--model', TINY, '--checkpoint', str(FILE)]


def app(*words):
    """Runs the command, and returns its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(['app', *map(str, words)])
    return stop.value.code


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--model', 'vitpose-gigantic'], r'vitpose-gigantic'),
        ([*MODEL, '--checkpoint', 'missing.pth'], r'missing\.pth does not exist: give'),
        ([*MODEL, '--boxes', 'rtmdet-m', 'yolo'], r'yolo is no detector: give one of rtmdet-m'),
        (['--model', TINY, TINY, '--checkpoint', FILE], r'--checkpoint is for one model: give one'),
        (['--model', 'vitpose-base', TINY], r'is a config: give its weights with --checkpoint'),
        ([*MODEL, '--host', 'host.invalid'], r'cannot be served at host\.invalid:.*give another'),
        ([*MODEL, '--port', '0'], r"'0' is not a number from 1 to 65535"),
        ([*MODEL, '--port', 'x'], r"'x' is not a number from 1 to 65535"),
    ],
)
def test_wrong_options_are_reported_before_the_server_starts(words, message, capsys):
    assert app(*words) == 2
    written = capsys.readouterr()
    assert re.search(message, written.err.strip().splitlines()[-1])
    assert 'The page is at' not in written.out


def test_a_port_in_use_is_reported(capsys):
    with socket.socket() as other:
        other.bind(('127.0.0.1', free_port()))
        other.listen()
        port = other.getsockname()[1]
        assert app(*MODEL, '--port', port) == 2
    error = capsys.readouterr().err
    assert f'error: The page cannot be served at 127.0.0.1:{port} (' in error
    assert error.rstrip().endswith('give another --host or --port.')


def test_a_missing_extra_is_reported(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    assert app(*MODEL) == 2
    assert capsys.readouterr().err.strip() == (
        "error: vitpose app needs the package gradio: run pip install 'vitpose_plus[app]'."
    )


def test_a_signal_ends_the_server_and_removes_its_files(tmp_path, monkeypatch, capsys):
    pytest.importorskip('gradio')
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    port, seen = free_port(), []

    def visit():
        try:
            while not seen:
                time.sleep(0.05)
                try:
                    with urllib.request.urlopen(f'http://127.0.0.1:{port}/config') as answer:
                        seen.append(answer.status)
                except OSError:
                    continue
            seen.append(len(list(tmp_path.iterdir())))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=visit)
    visitor.start()
    assert app(*MODEL, '--port', port) == 143
    visitor.join()
    assert seen == [200, 1]
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == (
        f'The page is at http://127.0.0.1:{port}/ (Ctrl-C stops it).\n'
    )
