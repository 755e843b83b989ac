"""The comparison of a file with torch: its bounds, and the peaks that it counts."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from vitpose_plus.errors import RunError, UserError
from vitpose_plus.export.comparing import Differences, batches, compare, reference
from vitpose_plus.export.crops import Crops, for_calibration, for_comparison
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.export.peaks import clear_peaks, decode
from vitpose_plus.export.predicting import predicted


@pytest.fixture(scope='module')
def described(trained_coco):
    """The description of the file, some crops, and the outputs of torch."""
    description = describe(trained_coco, Options())
    crops = for_comparison(trained_coco, description, count=9)
    return description, crops, reference(trained_coco.network, description, crops)


def test_most_peaks_of_a_trained_model_are_clear(described):
    _, crops, expected = described
    assert len(crops) == 9
    assert crops.source == 'synthetic figures and an included photograph'
    # Not those of the photograph: the model is trained on synthetic figures.
    assert expected.is_clear.float().mean() > 0.8
    assert expected.points.shape == (9, 17, 2)


@torch.no_grad()
def test_the_keypoints_of_the_graph_are_those_of_the_codec(trained_coco, described):
    description, crops, expected = described
    given = crops.inputs(description, torch.arange(9))
    assert given[0].dtype == torch.uint8
    points, scores = graph_of(trained_coco.network, description)(*given)
    torch.testing.assert_close(points[expected.is_clear], expected.points[expected.is_clear])
    torch.testing.assert_close(scores, expected.outputs[1])


@torch.inference_mode()
def test_a_dataset_with_its_own_flip_test_is_compared_without_it(trained):
    """The settings of the dataset are restored."""
    description = describe(trained, Options())
    crops = for_comparison(trained, description, count=6)
    expected = predicted(trained.network, description, crops)
    own = trained.network.head.dataset_test_cfg
    own['coco'] = dict(flip_test=True)
    try:
        found = predicted(trained.network, description, crops)
        assert own['coco'] == dict(flip_test=True)
    finally:
        own['coco'] = {}
    assert all(map(torch.equal, found, expected))


def moved(expected, pixels, factor=1.0):
    """A file whose keypoints are moved, and whose scores have a factor."""

    def call(rows):
        points = expected.points[rows] + torch.tensor([pixels, 0.0])
        return points, expected.outputs[1][rows] * factor

    return call


@pytest.mark.parametrize(
    ('pixels', 'factor', 'is_kept'),
    [(0.05, 1.0005, True), (0.2, 1.0, False), (0.0, 1.002, False), (np.nan, 1.0, False)],
)
def test_bounds(described, monkeypatch, pixels, factor, is_kept):
    description, crops, expected = described
    monkeypatch.setattr(Crops, 'inputs', lambda self, description, rows: (rows,))
    found = list(compare(moved(expected, pixels, factor), expected, description, crops))
    assert [each.batch_size for each in found] == [1, 2, 7]
    for each in found:
        if is_kept:
            each.check('fp32')
            assert each.distances.mean().item() == pytest.approx(pixels, abs=1e-4)
            assert each.largest == pytest.approx(factor - 1, abs=1e-5)
        else:
            with pytest.raises(RunError, match=r'not kept|not finite'):
                each.check('fp32')


def test_one_keypoint_must_not_be_far_away():
    distances = torch.zeros(100)
    Differences(1, distances, 0.0).check('fp32')
    distances[3] = 0.6
    with pytest.raises(RunError, match=r'of 1, .* worst 0\.6 px, .* worst 0\.5 px, and 0\.1%'):
        Differences(1, distances, 0.0).check('fp32')
    Differences(1, distances, 0.1).check('int8')


@pytest.mark.parametrize(
    ('outputs', 'values'),
    [
        ('keypoints', 'scores differ by at most 1.2e-07 of the largest score'),
        ('heatmaps', 'heatmaps differ by at most 1.2e-07 of the largest value'),
        ('heatmaps+tags', 'heatmaps and tags differ by at most 1.2e-07 of the largest value'),
    ],
)
def test_differences_as_text(outputs, values):
    distances = torch.tensor([0.0, 0.0005, 1.5])
    assert str(Differences(1, distances, 1.2e-7, outputs)) == (
        'keypoints of 3 clear peaks differ by mean 0.5 px, median less than 0.001 px, '
        f'worst 1.5 px, 66.7% within 1 px; {values}'
    )


@pytest.mark.parametrize('precision', ['fp32', 'fp16', 'int8'])
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_values_that_are_not_finite_are_never_kept(precision, value):
    with pytest.raises(RunError, match='not finite'):
        Differences(2, torch.zeros(0), value).check(precision)
    with pytest.raises(RunError, match='not finite'):
        Differences(2, torch.tensor([0.0, value]), 0.0).check(precision)


def bump(*centres, height=1.0):
    """A heatmap (64, 48) with Gaussian peaks at x, y."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing='ij')
    each = [torch.exp(-((x - a) ** 2 + (y - b) ** 2) / 8) for a, b in centres]
    return height * torch.stack(each).amax(0)


@pytest.mark.parametrize(
    ('heatmap', 'is_clear'),
    [
        (bump((20, 30)), True),
        (bump((20.3, 30.4)), True),
        (bump((20, 30), height=0.05), False),  # too low
        (bump((10, 10), (30, 50)), False),  # two equal peaks
        (torch.full((64, 48), 0.5), False),  # no peak
        (torch.zeros(64, 48), False),
    ],
    ids=['peak', 'between pixels', 'low', 'two', 'flat', 'zero'],
)
def test_a_clear_peak_does_not_move_by_rounding(described, heatmap, is_clear):
    description, crops, _ = described
    maps = heatmap.expand(len(crops), 17, 64, 48)
    points = decode(maps, crops.numbers, description)
    found = clear_peaks(maps, points, crops.numbers, description)
    assert found.all() if is_clear else not found.any()


def test_a_model_without_clear_peaks_is_compared_by_its_scores(described):
    description, crops, expected = described
    unclear = replace(expected, is_clear=torch.zeros_like(expected.is_clear))
    call = moved(expected, 99.0)
    crops = Crops(crops.samples, crops.numbers, '')
    object.__setattr__(crops, 'inputs', lambda description, rows: (rows,))
    for each in compare(call, unclear, description, crops):
        each.check('fp32')
        assert str(each) == 'scores differ by at most 0 of the largest score'


def test_batches_are_mixed_or_of_one_dataset():
    numbers = torch.arange(32) % 6
    found = list(batches(7, numbers))
    assert all(len(rows) == 7 for rows in found)
    assert len(numbers[found[0]].unique()) == 6
    assert len(numbers[found[-1]].unique()) == 1
    assert [rows.tolist() for rows in batches(2, torch.zeros(1))] == [[0, 0]] * 4


def test_keypoints_that_a_dataset_does_not_have_are_zero(trained):
    description = describe(trained, Options())
    maps = bump((20, 30)).expand(2, 133, 64, 48)
    points = decode(maps, torch.tensor([0, 5]), description)
    assert not points[0, 17:].any()
    assert points[0, :17].all()
    assert points[1].all()


def test_crops_are_of_the_data_of_the_config_if_it_exists(trained, trained_coco, workplace):
    description = describe(trained, Options())
    crops = for_comparison(trained, description, count=12)
    assert crops.source == "the config's val_dataloader"
    assert crops.numbers.tolist() == [0, 1, 2, 3, 4, 5] * 2
    training = for_calibration(trained, description, trained.network.cfg, 300)
    assert crops.pixels.dtype == training.pixels.dtype == torch.uint8
    assert crops.pixels.shape[1:] == training.pixels.shape[1:] == (3, 256, 192)
    # Every batch has one crop of every dataset.
    assert {tuple(training.numbers[rows].tolist()) for rows in training.rounds()} == {
        (0, 1, 2, 3, 4, 5)
    }
    only = for_comparison(trained_coco, describe(trained_coco, Options()), count=3)
    found = {crop.numpy().tobytes() for crop in only.pixels}
    assert found & {crop.numpy().tobytes() for crop in crops.pixels}


@pytest.fixture
def damaged(workplace):
    """The working folder; the pictures of coco are no pictures."""
    link = workplace / 'work_dirs' / 'demo' / 'figures'
    source = link.resolve()
    link.unlink()
    shutil.copytree(source, link)
    for path in (link / 'coco').rglob('*.jpg'):
        path.write_text('no picture')
    return link / 'coco'


def test_figures_replace_validation_data_that_cannot_be_read(trained_coco, damaged):
    description = describe(trained_coco, Options())
    assert for_comparison(trained_coco, description, count=2).source == (
        "synthetic figures and an included photograph, because the config's val_dataloader cannot "
        'be read'
    )
    for path in damaged.rglob('*val*.json'):
        path.write_text(json.dumps(dict(images=[], annotations=[], categories=[])))
    assert 'val_dataloader cannot be read' in for_comparison(trained_coco, description, 2).source


def test_calibration_names_a_picture_that_cannot_be_read(trained_coco, damaged):
    description = describe(trained_coco, Options())
    with pytest.raises(UserError, match=r'train2017/\d+\.jpg or its annotation is damaged'):
        for_calibration(trained_coco, description, trained_coco.network.cfg, 300)


def test_the_shortest_dataset_limits_the_crops(trained, workplace):
    description = describe(trained, Options())
    found, few = (
        for_calibration(trained, description, trained.network.cfg, count) for count in (10**4, 6)
    )
    assert len(found) % 6 == 0
    shortest = len(found) // 6
    assert re.search(rf'; 10000 are better, but \w+ has only {shortest}$', found.source)
    assert ';' not in few.source


def test_calibration_needs_training_data(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='has no training data of coco on this machine'):
        for_calibration(trained, describe(trained, Options()), trained.network.cfg, 300)
