"""A finished training of two iterations, with the report that its hook wrote."""

import json
from pathlib import Path

import pytest
import torch
from mmpose.visualization import PoseLocalVisualizer

from tests.helpers.trainings import write_config
from vitpose_plus.commands import main
from vitpose_plus.reports import writing
from vitpose_plus.reports.report import read_report

MORE = """
train_cfg = dict(max_epochs=1)
val_evaluator = [
    dict(type='EPE', prefix='coco'),
    dict(
        type='CocoMetric',
        ann_file='{figures}/coco/annotations/person_keypoints_val2017.json',
        prefix='coco/coco',
    ),
]
train_dataloader['dataset']['indices'] = 4
default_hooks['checkpoint'].update(save_best='coco/EPE', rule='less')
custom_hooks = [dict(type='ReportHook')]
predict = dict(boxes='points')
"""


@pytest.fixture(scope='module')
def report(figures, tmp_path_factory):
    """The content of the report that the hook of a training wrote."""
    place, reports = tmp_path_factory.mktemp('reported'), []
    instances = PoseLocalVisualizer._instance_dict

    def recording(work_dir):
        reports.append(read_report(work_dir))
        return reports[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(writing, 'read_report', recording)
        torch.set_num_threads(1)
        # Runners of earlier tests have registered a visualizer of the same name for their folder.
        patch.setattr(PoseLocalVisualizer, '_instance_dict', type(instances)())
        write_config(figures, more=MORE.format(figures=figures))
        main(['train', 'small.py', '--work-dir', str(place / 'own training')])
    [report] = reports
    return report


@pytest.fixture(scope='module')
def numbers(report):
    return json.loads(Path(report.work_dir, 'report.json').read_text())


@pytest.fixture(scope='module')
def page(report):
    return Path(report.work_dir, 'report.html').read_text()
