"""Predictions equal those of ``test`` and of mmpose's inference, with any batch size."""

from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import inference_topdown, init_model
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric
from mmpose.registry import DATASETS, MODELS

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.splitting import split
from vitpose_plus.datasets.multi_dataset import unread
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference import prediction
from vitpose_plus.inference.assignment import parse
from vitpose_plus.inference.batches import BatchRunner
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.estimators import TopDown
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.formats.format import Predictions
from vitpose_plus.inference.prediction import Prediction
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.sources.picture import Picture

METRICS = dict(
    coco=CocoMetric,
    aic=CocoMetric,
    ap10k=CocoMetric,
    apt36k=CocoMetric,
    coco_wholebody=CocoWholeBodyMetric,
)  # for the datasets in COCO's format
BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'


@pytest.mark.parametrize('name', [*METRICS, 'mpii'])
def test_true_boxes_give_the_same_keypoints_and_score_as_test(
    name, predictor, tiny_config, tmp_path
):
    parts = tiny_config.test_dataloader.dataset.datasets
    [part] = [part for part in parts if unread(part).metainfo['dataset_name'] == name]
    part.pop('bbox_file', None)
    dataset = DATASETS.build(part)
    outputs = predictor.run([dataset[i] for i in range(len(dataset))])
    expected = {}  # picture -> box -> prediction
    for output in outputs:
        box = tuple(output.gt_instances.bboxes[0].tolist())
        expected.setdefault(output.img_path, {})[box] = output.pred_instances

    results = list(predictor(list(expected), boxes=dataset.ann_file, dataset=name))
    assert [result.source for result in results] == list(expected)
    for result in results:
        own = expected[result.source]
        assert len(result.instances) == len(own)
        for instance in result.instances:
            found = own[tuple(instance.box.tolist())]
            np.testing.assert_allclose(instance.keypoints, found.keypoints[0], atol=1e-3)
            np.testing.assert_allclose(instance.scores, found.keypoint_scores[0], atol=1e-5)
    if name in METRICS:
        check_score(METRICS[name](ann_file=dataset.ann_file), dataset, outputs, results, tmp_path)


def check_score(metric, dataset, outputs, results, folder):
    """COCO's evaluation of the written list gives the same metric as ``test``."""
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [output.to_dict() for output in outputs])
    wanted = metric.compute_metrics(metric.results)
    predictions = Predictions([result.to_dict() for result in results], results[0].skeletons)
    FORMATS['coco']().write(predictions, folder)
    (folder / 'predictions.coco.json').rename(folder / 'mine.keypoints.json')
    found = dict(metric._do_python_keypoint_eval(str(folder / 'mine')))
    assert wanted['AP'] > 0.2
    assert found == pytest.approx(wanted, abs=1e-3)


def instances_of(results):
    return [instance for result in results for instance in result.instances]


def assert_same(instances, others, atol=1e-3):
    assert len(instances) == len(others) > 0
    for one, other in zip(instances, others, strict=True):
        assert one.dataset == other.dataset
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=atol)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


@pytest.mark.parametrize('size', [1, 64])
def test_any_batch_size_gives_the_same(size, predictor, people, monkeypatch):
    folder, annotations = people
    expected = instances_of(predictor(folder, boxes=annotations))
    monkeypatch.setattr(predictor.run, 'size', size)
    assert_same(instances_of(predictor(folder, boxes=annotations)), expected)


def test_a_small_memory_gives_the_same(predictor, people, monkeypatch):
    """Batches are run before they are full."""
    folder, annotations = people
    expected = instances_of(predictor(folder, boxes=annotations))
    monkeypatch.setattr(prediction, 'WAITING_BYTES', 0)
    assert_same(instances_of(predictor(folder, boxes=annotations)), expected)


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    """COCO's plain model, split from the tiny ViTPose+: files of config and weights."""
    state, cfg = split(reading.read(FILE), read_config(TINY), 'coco')
    folder = tmp_path_factory.mktemp('plain')
    cfg.dump(folder / 'plain.py')
    torch.save(dict(state_dict=state), folder / 'plain.pth')
    return str(folder / 'plain.py'), str(folder / 'plain.pth')


def test_a_plain_model_gives_the_same_as_mmposes_inference(plain, people):
    folder, annotations = people
    model = init_model(*plain, device='cpu')
    model.test_cfg['flip_test'] = False
    for result in PosePredictor(*plain, device='cpu')(folder, boxes=annotations):
        boxes = np.array([instance.box for instance in result.instances])
        found = inference_topdown(model, cv2.imread(result.source), boxes)
        expected = np.concatenate([sample.pred_instances.keypoints for sample in found])
        np.testing.assert_allclose(result.keypoints, expected, atol=1e-3)


def test_a_bottom_up_model_gives_the_same_as_test(people, figures, tmp_path):
    """It uses no boxes, and one picture per batch; the weights are random."""
    cfg = read_config(BOTTOM_UP)
    torch.manual_seed(1)
    network = MODELS.build(cfg.model)
    network.init_weights()
    network.head.final_layer.bias.data[:] = 0.5  # candidates everywhere
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'w.pth')
    cfg.test_dataloader.dataset.data_root = str(figures / 'coco')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    predictor = PosePredictor(BOTTOM_UP, tmp_path / 'w.pth', device='cpu', flip_test=True)
    expected = predictor.run([dataset[0]])[0].pred_instances
    [result] = predictor(dataset.get_data_info(0)['img_path'])
    assert len(result.instances) == len(expected.keypoints) > 1
    np.testing.assert_allclose(result.keypoints, expected.keypoints, atol=1e-3)
    np.testing.assert_allclose(result.scores, expected.keypoint_scores, atol=1e-5)
    for instance in result.instances:
        low, high = instance.keypoints.min(0), instance.keypoints.max(0)
        np.testing.assert_array_equal(instance.box, [*low, *high])
    with pytest.raises(UserError, match=r'is a bottom-up model, which uses no boxes'):
        predictor(people[0], boxes='whole')


MIXED = dict(person='coco_wholebody', animal='ap10k')


class Alternating(BoxSource):
    """Known boxes with alternating classes: person, animal, person, ..."""

    labels = ('person', 'animal')

    def __init__(self, known):
        self.known = known

    def boxes(self, pictures, images):
        return [self._of(self.known[picture.source]) for picture in pictures]

    def _of(self, xyxy):
        labels = [self.labels[number % 2] for number in range(len(xyxy))]
        return Boxes(xyxy, np.ones(len(xyxy), np.float32), labels)


def test_several_datasets_in_one_pass_give_the_same_as_each_dataset_alone(predictor, people):
    """Each expert processes only its own crops of a batch."""
    folder, annotations = people
    known = {
        result.source: np.array([instance.box for instance in result.instances] * 2)
        for result in predictor(folder, boxes=annotations)
    }
    boxes = Alternating(known)
    together = instances_of(predictor(folder, boxes=boxes, dataset=MIXED))
    for label, name in MIXED.items():
        alone = instances_of(predictor(folder, boxes=boxes, dataset={label: name}))
        assert_same([each for each in together if each.dataset == name], alone)


@dataclass
class Counted(Picture):
    """A picture that counts its reads; without an image it is broken."""

    image: np.ndarray | None = None
    reads: int = 0

    def read(self):
        self.reads += 1
        if self.image is None:
            raise UserError(f'{self.source} is broken.')
        return self.image


def pictures(number, broken=()):
    image = np.random.default_rng(0).integers(0, 255, (96, 72, 3), np.uint8)
    return [
        Counted(str(i), PurePosixPath(f'{i}.png'), image=None if i in broken else image)
        for i in range(number)
    ]


def predicted(predictor, sources, boxes, dataset=MIXED):
    chosen = parse(dataset, list(predictor.skeletons), boxes.labels)
    return Prediction(predictor.estimator, predictor.run, sources, boxes, chosen, {})


def boxed(sources, number=1):
    box = np.array([[8, 8, 64, 90]], np.float32).repeat(number, 0)
    return Alternating({each.source: box[: int(each.source) % 3] for each in sources})


def test_every_readable_picture_gives_a_result_in_order(predictor):
    """Pictures without people also give a result; each picture is decoded once."""
    sources = pictures(20, broken=(4, 5, 19))
    failures = []
    results = list(predicted(predictor, sources, boxed(sources, 2)).results(failures.append))
    assert [int(result.source) for result in results] == [*range(4), *range(6, 19)]
    assert [failure.source for failure in failures] == ['4', '5', '19']
    assert [len(result.instances) for result in results[:3]] == [0, 1, 2]
    assert {each.reads for each in sources} == {1}


def test_a_broken_picture_raises_an_error_by_default(predictor):
    sources = pictures(3, broken=(1,))
    with pytest.raises(UserError, match='1 is broken'):
        list(predicted(predictor, sources, boxed(sources)).results())


def test_memory_does_not_grow_with_the_number_of_pictures(predictor, monkeypatch):
    """Only a few pictures are read before their results are used."""
    monkeypatch.setattr(predictor.run, 'size', 2)
    sources = pictures(200)
    results = predicted(predictor, sources, boxed(sources)).results()
    for number, _ in enumerate(results):
        assert sum(each.reads for each in sources) < number + 30
        if number == 60:
            break
    results.close()
    assert sum(each.reads for each in sources) < 100


def test_a_picture_without_boxes_does_not_stop_the_others(predictor, monkeypatch):
    sources = pictures(6)
    boxes = boxed(sources, 2)
    monkeypatch.setattr(boxes, '_of', lambda xyxy, kept=boxes._of: refuse(kept, xyxy))
    failures = []
    results = list(predicted(predictor, sources, boxes).results(failures.append))
    assert [result.source for result in results] == ['0', '1', '3', '4']
    assert [failure.error for failure in failures] == [
        f'{source}: Two boxes are refused.' for source in (2, 5)
    ]


def refuse(kept, xyxy):
    if len(xyxy) == 2:
        raise UserError('Two boxes are refused.')
    return kept(xyxy)


class SmallMemory(Alternating):
    """Has memory for one picture at a time."""

    def boxes(self, pictures, images):
        if len(pictures) > 1:
            raise torch.OutOfMemoryError
        return super().boxes(pictures, images)


def test_a_detector_without_memory_for_a_batch_gets_single_pictures(predictor, monkeypatch):
    sources = pictures(6)
    boxes = boxed(sources, 2)
    expected = instances_of(predicted(predictor, sources, boxes).results())
    monkeypatch.setattr(predictor.run, 'device', torch.device('cuda'))  # a GPU gets batches
    found = predicted(predictor, sources, SmallMemory(boxes.known)).results()
    assert_same(instances_of(found), expected)


def test_arrays_need_a_result_of_one_dataset(predictor):
    sources = pictures(3)
    *_, result = predicted(predictor, sources, boxed(sources, 2)).results()
    with pytest.raises(UserError, match=r'several datasets, coco_wholebody, ap10k: select one'):
        result.keypoints  # noqa: B018
    assert result.of('ap10k').keypoints.shape == (1, 17, 2)
    assert result.of('coco_wholebody').scores.shape == (1, 133)
    assert result.of('ap10k').names[3] == 'Neck'
    with pytest.raises(UserError, match=r"no dataset 'mpii': it has coco_wholebody, ap10k"):
        result.of('mpii')


def test_keypoints_are_drawn_at_their_coordinates(predictor, people):
    """The drawn picture differs from the picture around each keypoint."""
    folder, annotations = people
    for result in predictor(folder, boxes=annotations):
        drawn = np.asarray(result.draw(score=0.2))[..., ::-1]
        for points, scores in zip(result.keypoints, result.scores, strict=True):
            for x, y in points[scores > 0.3].round().astype(int):
                if 2 < x < result.width - 2 and 2 < y < result.height - 2:
                    here = slice(y - 1, y + 2), slice(x - 1, x + 2)
                    assert (drawn[here] != result.image[here]).any()


class Network(torch.nn.Module):
    """Accepts batches up to a size; larger batches do not fit into its memory."""

    def __init__(self, most):
        super().__init__()
        self.most = most
        self.sizes = []

    def test_step(self, batch):
        self.sizes.append(len(batch['number']))
        if len(batch['number']) > self.most:
            raise torch.OutOfMemoryError('too much')
        return batch['number']


def test_a_batch_that_does_not_fit_is_halved_with_a_message():
    messages, network = [], Network(most=3)
    run = BatchRunner(network, torch.device('cpu'), 16, messages.append)
    inputs = [dict(number=number) for number in range(10)]
    assert run(inputs) == list(range(10))
    assert network.sizes == [10, 8, 4, 2, 2, 2, 2, 2]
    assert messages == [
        f'The memory of cpu is too small: the batch size is now {size}.' for size in (8, 4, 2)
    ]


def test_an_input_that_does_not_fit_alone_stops_the_run():
    run = BatchRunner(Network(most=0), torch.device('cpu'), 1, print)
    with pytest.raises(RunError, match=r'too small for one input of this model: use a smaller'):
        run([dict(number=1)])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(device='cuda:99'), r'device cuda:99 cannot be used .*: give auto, cpu or'),
        (dict(device='gpu'), r'device gpu cannot be used'),
        (dict(device='meta'), r'device meta cannot be used'),
        (dict(precision='fp8'), r'no precision fp8: give auto, fp32, bf16, fp16'),
        (dict(batch_size=0), r'batch size 0 is wrong: give a positive integer'),
    ],
)
def test_wrong_options_raise_one_sentence(options, message):
    with pytest.raises(UserError, match=message):
        PosePredictor(TINY, FILE, **dict(device='cpu') | options)


def test_bf16_is_near_single_precision(predictor, people):
    folder, annotations = people
    half = PosePredictor(TINY, FILE, device='cpu', precision='bf16', flip_test=True)
    expected = instances_of(predictor(folder, boxes=annotations))
    found = instances_of(half(folder, boxes=annotations))
    apart = np.array([a.keypoints - b.keypoints for a, b in zip(found, expected, strict=True)])
    assert 0 < np.median(np.abs(apart)) < 0.5  # pixels


def test_numbers_that_are_not_finite_stop_the_run(predictor, monkeypatch):
    sources = pictures(3)
    monkeypatch.setattr(predictor, 'estimator', NotFinite(predictor.model))
    with pytest.raises(RunError, match=r'not finite \(NaN or infinity\) for 1: try'):
        list(predicted(predictor, sources, boxed(sources)).results())


class NotFinite(TopDown):
    def jobs(self, image, boxes, assignment):
        jobs = super().jobs(image, boxes, assignment)
        for job in jobs:
            job.instances = partial(_with_nan, job.instances)
        return jobs


def _with_nan(instances, output):
    found = instances(output)
    found[0].scores[2] = np.nan
    return found
