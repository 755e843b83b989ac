"""Writes the two files of a report."""

import json
from pathlib import Path

from vitpose_plus.files import replacing
from vitpose_plus.reports.numbers import numbers_of
from vitpose_plus.reports.page import page_of
from vitpose_plus.reports.report import read_report

PAGE, NUMBERS = 'report.html', 'report.json'


def write(work_dir: Path) -> None:
    """Writes ``report.html`` and ``report.json``; see ``write_report``."""
    report = read_report(work_dir)
    numbers = numbers_of(report)
    page = page_of(report, numbers)
    for name, text in (
        (NUMBERS, json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False)),
        (PAGE, page),
    ):
        with replacing(work_dir / name) as new:
            new.write_text(f'{text}\n', encoding='utf-8')
