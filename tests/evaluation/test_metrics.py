"""The metric of its own dataset scores every sample; exact predictions have the highest score."""

import pytest
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, EVALUATORS

from vitpose_plus.evaluation import decoding_ceiling, headlines, main_metrics


@pytest.fixture
def val(tiny_config):
    parts = tiny_config.val_dataloader.dataset.datasets
    for part in parts:
        part.pop('bbox_file', None)
    return DATASETS.build(tiny_config.val_dataloader.dataset)


@pytest.fixture
def evaluator(tiny_config, val):
    evaluator = EVALUATORS.build(tiny_config.val_evaluator)
    evaluator.dataset_meta = val.metainfo
    return evaluator


def predict(samples, offset):
    for sample in samples:
        gt = sample.gt_instances
        sample.pred_instances = InstanceData(
            keypoints=gt.keypoints + offset,
            bboxes=gt.bboxes,
            keypoint_scores=gt.keypoints_visible * 0 + 1,
            bbox_scores=gt.bbox_scores,
        )
    return samples


@pytest.mark.parametrize(('offset', 'expected'), [(0, 1.0), (1000, 0.0)])
def test_exact_and_wrong_predictions(val, evaluator, offset, expected):
    batch = pseudo_collate([val[i] for i in range(len(val))])
    evaluator.process(predict(batch['data_samples'], offset), batch)
    scores = headlines(evaluator.evaluate(len(val)))
    assert scores.pop('mpii') == pytest.approx(100 * expected)
    assert set(scores) == {'coco', 'aic', 'ap10k', 'apt36k', 'coco_wholebody'}
    assert scores == pytest.approx(dict.fromkeys(scores, expected))


def test_wrong_predictions_for_a_dataset_lower_only_its_own_metric(val, evaluator):
    batch = pseudo_collate([val[i] for i in range(len(val))])
    samples = predict(batch['data_samples'], 0)
    predict([s for s in samples if s.dataset_name == 'ap10k'], 1000)
    evaluator.process(samples, batch)
    scores = headlines(evaluator.evaluate(len(val)))
    assert scores['ap10k'] == 0
    assert scores['apt36k'] == scores['coco'] == pytest.approx(1)


def test_metrics_and_data_must_name_the_same_datasets(tiny_config, val):
    del tiny_config.val_evaluator.metrics[2]
    evaluator = EVALUATORS.build(tiny_config.val_evaluator)
    with pytest.raises(ValueError, match=r'Metrics are given for coco, aic, ap10k.*contains .*mp'):
        evaluator.dataset_meta = val.metainfo


def test_ceiling_is_high_but_not_perfect(tiny_config):
    ceiling = headlines(decoding_ceiling(tiny_config))
    assert ceiling['coco'] > 0.85  # UDP decodes to a fraction of a pixel
    assert ceiling['mpii'] > 95
    assert all(0.2 < ceiling[name] <= 1 for name in ceiling if name != 'mpii')


def test_the_main_metrics_are_the_headlines_or_the_first_number():
    several = {'coco/AP': 0.5, 'coco/AR': 0.6, 'mpii/Head PCK': 70, 'mpii/PCK': 55}
    assert main_metrics(several) == {'coco/AP': 0.5, 'mpii/PCK': 55.0}
    own = {'mouse/EPE': 3.0, 'mouse/coco/AP': 0.5, 'mouse/coco/AR': 0.6}
    assert main_metrics(own) == {'mouse/EPE': 3.0, 'mouse/coco/AP': 0.5}
    assert main_metrics({'PCK': 0.5, 'AUC': 0.4}) == {'PCK': 0.5}
    assert main_metrics({'name': 'x', 'EPE': 3.0, 'NME': 0.1}) == {'EPE': 3.0}
    assert main_metrics({}) == {}
