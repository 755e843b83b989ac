"""The demo: the scores that it must reach, and the files that it writes."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.helpers import tiny_figures
from tests.helpers.demo import TINY
from vitpose_plus.checkpoints import reading
from vitpose_plus.commands import demo, main
from vitpose_plus.evaluation import headlines

# AP, and PCKh in percent for MPII, of a tiny model that is trained for minutes on two cores.
LOWEST_SCORES = dict(coco=0.95, aic=0.55, mpii=99, ap10k=0.65, apt36k=0.65)


def test_the_table_shows_every_score_beside_its_ceiling(tiny_config):
    names = [head.dataset for head in tiny_config.model.head.heads]
    scores = {name: i / 10 for i, name in enumerate(names)}
    ceilings = {name: 0.9 + i / 100 for i, name in enumerate(names)}
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(demo.table(tiny_config, scores, ceilings, 'title'))
    rows = console.export_text().splitlines()
    for name in names:
        [line] = [row for row in rows if f' {name} ' in row]
        assert f'{scores[name]:.3f}' in line
        assert f'{ceilings[name]:.3f}' in line


def test_the_demo_and_the_tests_have_the_same_config():
    assert demo.CONFIG == TINY


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(['demo'])
    metrics = json.loads((tmp_path / 'work_dirs/demo/metrics.json').read_text())
    ceiling = metrics.pop('ceiling')
    for name, lowest in LOWEST_SCORES.items():
        assert metrics[name] >= lowest, name
    assert metrics['coco_wholebody'] >= 0.3 * ceiling['coco_wholebody']
    assert (tmp_path / 'work_dirs/demo/predictions.png').stat().st_size > 100_000
    predictions = tmp_path / 'work_dirs/demo/predictions'
    assert len((predictions / 'predictions.ndjson').read_text().splitlines()) == 60
    assert len(list((predictions / 'drawn').iterdir())) == 60

    # Other tests use an older checkpoint with the same tensors.
    tiny_figures.make('work_dirs/demo/epoch_3.pth', 'again.pth')
    again, committed = (reading.read(path) for path in ('again.pth', tiny_figures.FILE))
    assert [(k, v.shape, v.dtype) for k, v in again.items()] == [
        (k, v.shape, v.dtype) for k, v in committed.items()
    ]
    main(['test', TINY, str(tiny_figures.FILE), '--work-dir', 'test', '--out', 'committed.json'])
    for name, score in headlines(json.loads(Path('committed.json').read_text())).items():
        assert metrics[name] >= score, name
