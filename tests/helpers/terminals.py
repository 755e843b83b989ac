"""Trainings on a pseudo-terminal, and the text that its screen shows at the end."""

import os
import re

from tests.helpers.trainings import Child
from vitpose_plus.commands import main

PIECES = re.compile(r'\x1b\[(\d*;?[\d;]*)?\??(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+')


def train_on_terminal(*words: str) -> tuple[int, str]:
    """Runs ``train`` in a child whose output is a terminal; returns exit code and raw output."""
    master, slave = os.openpty()

    def run() -> None:
        os.dup2(slave, 1), os.dup2(slave, 2)  # the child's streams write to these files
        os.environ.update(TERM='xterm', COLUMNS='120', LINES='40')
        main(['train', *words])

    child = Child(run)
    os.close(slave)
    raw = b''
    while piece := _read(master):
        raw += piece
    os.close(master)
    return child.end()[0], raw.decode()


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # no process has the terminal open
        return b''


def screen(raw: str) -> list[str]:
    """Returns the lines that a terminal shows after it received ``raw``.

    It follows the controls that the bar uses: to the start of a line, up, erase a line.
    """
    lines, row, column = [''], 0, 0
    for match in PIECES.finditer(raw):
        text, control = match[0], match[3]
        if text == '\r':
            column = 0
        elif text == '\n':
            row += 1
            lines += [''] * (row + 1 - len(lines))
        elif control == 'A':
            row -= int(match[1] or 1)
        elif control == 'K':
            lines[row] = ''
        elif control is None:
            before = lines[row].ljust(column)
            lines[row] = before[:column] + text + before[column + len(text) :]
            column += len(text)
    return lines
