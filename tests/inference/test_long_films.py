"""A film of 30 minutes is predicted in constant memory.

``pytest -m slow -s tests/inference/test_long_films.py`` takes ten to twenty minutes and prints
the speed and the memory.
"""

import re
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.films import times_in
from tests.helpers.processes import environment
from tests.helpers.tiny_figures import FILE
from vitpose_plus.encoding import encoding
from vitpose_plus.inference.writing import Lines

FRAMES, RATE = 18_000, 10  # 30 minutes
WARM = 1_000  # frames until all buffers are full
GROWTH = 80  # MB; a group of rows of the format parquet needs 40


def write_long_film(path: Path, size_wh: tuple[int, int] = (320, 240)) -> Path:
    """Writes a film of a white rectangle that moves in front of grey."""
    width, height = size_wh
    with encoding(path, size_wh, Fraction(1, RATE), crf=30, rate=Fraction(RATE)) as encode:
        for number in range(FRAMES):
            image = np.full((height, width, 3), 90, np.uint8)
            left = number % (width - 60)
            image[60:220, left : left + 60] = 255
            encode(image, number)
    return path


def peak_of(process: subprocess.Popen) -> float:
    """The highest resident memory of a running process, in MB; 0 if the process has ended."""
    status = Path(f'/proc/{process.pid}/status').read_text()
    peak = re.search(r'VmHWM:\s*(\d+) kB', status)
    return int(peak[1]) / 1024 if peak else 0


def peaks_of(process: subprocess.Popen, record: Path) -> tuple[float, float]:
    """The peaks of memory in MB: after ``WARM`` lines of the record, and until the end."""
    early = late = 0.0
    while process.poll() is None:
        late = max(late, peak_of(process))
        if not early and record.exists() and record.read_bytes().count(b'\n') >= WARM:
            early = late
        time.sleep(0.1)
    return early, late


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_film_of_30_minutes_needs_constant_memory(tmp_path):
    film, out, messages = (tmp_path / name for name in ('film.mp4', 'out', 'messages'))
    began = time.monotonic()
    write_long_film(film)
    making = time.monotonic() - began
    command = [sys.executable, '-m', 'vitpose_plus', 'predict', str(film)]
    command += ['--model', TINY, '--checkpoint', str(FILE), '--boxes', 'whole', '--track']
    command += ['--smooth', '--format', 'csv', 'dlc', 'parquet', '--out', str(out)]
    began = time.monotonic()
    with (
        open(messages, 'w') as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=environment()) as process,
    ):
        early, late = peaks_of(process, out / 'shards' / '000001-000000.ndjson')
    seconds = time.monotonic() - began
    assert process.returncode == 0, messages.read_text()[-3000:]
    print(f'making {making:.0f} s; predicting {seconds:.0f} s, {FRAMES / seconds:.1f} frames/s')
    print(f'peak after {WARM} frames {early:.0f} MB, at the end {late:.0f} MB')
    lines = [(one['frame'], one['time']) for one in Lines(out / 'predictions.ndjson')]
    assert lines == [(number, number / RATE) for number in range(FRAMES)]
    assert times_in(out / 'drawn' / 'film.mp4') == [when for _, when in lines]
    assert 0 < early <= late < early + GROWTH
