"""Each hint is logged once, at the right time. Results that are normal give no hint."""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import RepeatDataset
from mmengine.structures import InstanceData
from mmpose.datasets import CombinedDataset
from mmpose.registry import DATASETS
from mmpose.structures import PoseDataSample

from vitpose_plus.engine.hints import ResultHintsHook, idle_datasets, idle_sources

ZERO = 'coco/AP is 0: no prediction is near its annotation'


@pytest.fixture
def runner(caplog):
    logger = logging.getLogger('hints')
    return SimpleNamespace(logger=logger, test_loop=SimpleNamespace(evaluator=None))


def logged(caplog):
    return [record.getMessage() for record in caplog.records if record.name == 'hints']


def test_a_score_of_zero_is_reported_once_and_after_the_last_validation(runner, caplog):
    hook = ResultHintsHook()
    for _ in range(3):
        hook.before_val_epoch(runner)
        hook.after_val_epoch(runner, {'coco/AP': 0.0, 'aic/AP': -1.0})
    assert [text[:12] for text in logged(caplog)] == ['aic/AP is -1']
    hook.after_train(runner)
    assert [text[:12] for text in logged(caplog)] == ['aic/AP is -1', 'coco/AP is 0']


def test_only_the_last_validation_counts(runner, caplog):
    hook = ResultHintsHook()
    for score in (0.0, 0.5):
        hook.before_val_epoch(runner)
        hook.after_val_iter(runner, 0, outputs=samples(moving=score))
        hook.after_val_epoch(runner, {'coco/AP': score})
    hook.after_train(runner)
    assert logged(caplog) == []


def samples(moving, dataset='coco'):
    """Predictions for eight crops at different places."""
    rng = np.random.default_rng(0)
    pose = rng.uniform(0, 100, (1, 17, 2))
    for corner in rng.uniform(0, 1000, (8, 2)):
        crop = dict(input_center=corner + 50, input_scale=np.array([100.0, 100.0]))
        sample = PoseDataSample(metainfo=dict(crop, dataset_name=dataset))
        keypoints = corner + pose + 100 * moving * rng.uniform(size=pose.shape)
        sample.pred_instances = InstanceData(keypoints=keypoints)
        yield sample


def test_predictions_of_each_dataset_are_checked_separately(runner, caplog):
    hook = ResultHintsHook()
    hook.before_test_epoch(runner)
    batches = zip(samples(0.0), samples(0.5, 'aic'), strict=True)
    for number, batch in enumerate(batches):
        hook.after_test_iter(runner, number, outputs=batch)
    whole = PoseDataSample()  # of a bottom-up model: without a crop
    whole.pred_instances = InstanceData(keypoints=np.zeros((3, 17, 2)))
    hook.after_test_iter(runner, 8, outputs=[whole])
    hook.after_test_epoch(runner, {'coco/AP': 0.7, 'aic/AP': 0.7})
    [hint] = logged(caplog)
    assert hint.startswith('The predictions for coco have the same keypoints in every crop')


def dataset(name, visible, indices=None):
    infos = [
        dict(keypoints=np.ones((1, 17, 2)), keypoints_visible=np.full((1, 17), v)) for v in visible
    ]
    built = DATASETS.build(dict(type='CocoDataset', lazy_init=True, indices=indices))
    built._metainfo['dataset_name'] = name
    built.data_list, built.serialize_data, built._fully_initialized = infos, False, True
    return built


def test_datasets_that_contribute_nothing_are_named():
    good, bad = dataset('good', [0, 1.0]), dataset('bad', [0, 0])
    assert list(idle_datasets(good)) == []
    assert [hint[:38] for hint in idle_datasets(RepeatDataset(bad, 2))] == [
        'The training learns nothing from bad: '
    ]
    several = SimpleNamespace(datasets=[good, bad])
    assert len(list(idle_datasets(several))) == 1
    several = CombinedDataset.__new__(CombinedDataset)
    several.datasets, several._lens = [good, dataset('rare', [1.0])], [2, 0]
    [hint] = idle_datasets(several)
    assert hint.startswith('The training takes no sample of rare: ')
    loader = SimpleNamespace(dataset=several, sampler=SimpleNamespace(num_per_source=[4, 0]))
    assert list(idle_sources(loader)) == [hint]
    loader.sampler = SimpleNamespace()
    assert list(idle_sources(loader)) == []


@pytest.mark.forks
def test_a_training_that_has_learnt_nothing_ends_with_a_hint(trainings):
    [log] = Path('whole').glob('*/*.log')
    lines = [line for line in log.read_text().splitlines() if ' - WARNING - ' in line]
    assert [ZERO in line for line in lines].count(True) == 1
    assert not any('The training' in line for line in lines)
