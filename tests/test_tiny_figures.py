"""The checkpoint for synthetic figures is trained: it finds the keypoints of new figures."""

import json
from pathlib import Path

from tests.helpers import tiny_figures
from tests.helpers.demo import TINY
from vitpose_plus.commands import main
from vitpose_plus.evaluation import headlines

# For the three pictures of every dataset of the fixture; an untrained model has the score 0.
LOWEST_SCORES = dict(coco=0.85, aic=0.35, mpii=90, ap10k=0.35, apt36k=0.35, coco_wholebody=0.2)


def test_it_finds_keypoints_of_all_six_datasets(workplace):
    loader = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False']
    command = ['test', TINY, str(tiny_figures.FILE), '--work-dir', 'out', '--out', 'metrics.json']
    main([*command, '--cfg-options', *loader])
    scores = headlines(json.loads(Path('metrics.json').read_text()))
    assert set(scores) == set(LOWEST_SCORES)
    for name, lowest in LOWEST_SCORES.items():
        assert scores[name] >= lowest, scores


def test_the_data_of_the_tests_are_small():
    sizes = [file.stat().st_size for file in tiny_figures.FILE.parent.rglob('*') if file.is_file()]
    assert max(sizes) <= 6e6
    assert sum(sizes) <= 12e6
