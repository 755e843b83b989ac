"""Detectors of mmdet: their boxes, training folders, and the names of released detectors."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector, init_detector
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.utils.dl_utils import mmcv_full_available

from tests.helpers.detectors import (
    CLASSES,
    boxes_of,
    picture,
    random_state,
    small_config,
    write_training,
)
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes import open_boxes
from vitpose_plus.inference.boxes.detectors import DETECTORS, ReleasedMmdet
from vitpose_plus.inference.boxes.mmdet_training import checkpoint_in


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    return write_training(tmp_path_factory.mktemp('detector') / 'work')


@pytest.fixture(scope='module')
def detector(trained):
    return open_boxes(trained, score=0.05)


PICTURES = [picture(f'{wh}.png', wh) for wh in ((64, 48), (48, 96), (150, 150), (64, 48), (99, 31))]


def test_boxes_are_the_same_as_in_mmdet(trained, detector):
    [given] = boxes_of(detector, PICTURES[0])
    scope = DefaultScope.get_current_instance().scope_name
    model = init_detector(str(trained / 'detector.py'), str(trained / 'epoch_3.pth'), device='cpu')
    found = inference_detector(model, PICTURES[0].image).pred_instances.numpy()
    height, width = PICTURES[0].image.shape[:2]
    kept = (found.scores >= 0.05) & (found.bboxes[:, :2] < [width, height]).all(1)
    kept &= (found.bboxes[:, 2:] > 0).all(1)
    assert kept.sum() > 5
    np.testing.assert_array_equal(given.xyxy, found.bboxes[kept])
    np.testing.assert_array_equal(given.scores, found.scores[kept])
    assert given.labels == [CLASSES[number] for number in found.labels[kept]]
    assert detector.labels == CLASSES
    assert scope == 'mmpose'  # the detector does not change it


def test_boxes_do_not_depend_on_the_other_pictures(detector):
    for one, other in zip(boxes_of(detector, *PICTURES), PICTURES, strict=True):
        [alone] = boxes_of(detector, other)
        assert len(alone.xyxy)
        np.testing.assert_allclose(one.xyxy, alone.xyxy, atol=1e-2)
        assert one.labels == alone.labels
    assert {label for one in boxes_of(detector, *PICTURES) for label in one.labels} == set(CLASSES)


def test_a_picture_that_is_too_narrow_raises_one_sentence(detector):
    with pytest.raises(UserError, match=r'2x900 pixels is too narrow for the detector of .*: crop'):
        boxes_of(detector, picture('tall.png', (2, 900)))


def test_a_higher_score_leaves_out_boxes(trained, detector):
    [all_boxes] = boxes_of(detector, PICTURES[0])
    least = float(np.median(all_boxes.scores))
    pickier = open_boxes(trained, score=least)
    [fewer] = boxes_of(pickier, PICTURES[0])
    np.testing.assert_array_equal(fewer.xyxy, all_boxes.xyxy[all_boxes.scores >= least])
    pickier.score = 1.1
    [none] = boxes_of(pickier, PICTURES[0])
    assert none.xyxy.shape == (0, 4)
    assert none.labels == []


@pytest.mark.parametrize(
    ('names', 'chosen'),
    [
        (['epoch_2.pth', 'epoch_10.pth'], 'epoch_10.pth'),
        (['epoch_10.pth', 'best_coco_bbox_mAP_epoch_9.pth'], 'best_coco_bbox_mAP_epoch_9.pth'),
        (['small.pth'], 'small.pth'),
        (['iter_9.pth', 'iter_10.pth', 'mine.pth'], 'iter_10.pth'),
        (['best_AP_epoch_10.pth', 'best_AP_epoch_9.pth'], 'best_AP_epoch_10.pth'),
    ],
)
def test_the_best_checkpoint_is_used_or_else_the_last(tmp_path, names, chosen):
    for name in names:
        (tmp_path / name).touch()
    assert checkpoint_in(tmp_path).name == chosen


def nothing(folder):
    for path in folder.iterdir():
        path.unlink()


def no_checkpoint(folder):
    (folder / 'epoch_3.pth').unlink()


def two_configs(folder):
    shutil.copy(folder / 'detector.py', folder / 'other.py')


def two_checkpoints(folder):
    (folder / 'epoch_3.pth').rename(folder / 'a.pth')
    shutil.copy(folder / 'a.pth', folder / 'b.pth')


def broken_config(folder):
    (folder / 'detector.py').write_text('model = dict(')


def no_detector(folder):
    text = "default_scope = 'mmpose'\nmodel = dict(type='mmpose.ResNet', depth=18)\n"
    loader = "test_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImage')]))\n"
    (folder / 'detector.py').write_text(text + loader)


def unknown_class(folder):
    small_config().dump(folder / 'detector.py')
    text = (folder / 'detector.py').read_text()
    (folder / 'detector.py').write_text(text.replace("'RTMDet'", "'RTMDetour'"))


def no_loader(folder):
    cfg = small_config()
    Config(dict(model=cfg.model)).dump(folder / 'detector.py')


def other_widths(folder):
    cfg = small_config(num_classes=5)
    torch.save(dict(state_dict=random_state(cfg)), folder / 'epoch_3.pth')


def fewer_classes(folder):
    content = torch.load(folder / 'epoch_3.pth')
    content['meta']['dataset_meta']['classes'] = ['person']
    torch.save(content, folder / 'epoch_3.pth')


def without_names(folder):
    content = torch.load(folder / 'epoch_3.pth')
    del content['meta']
    torch.save(content, folder / 'epoch_3.pth')
    cfg = small_config()
    del cfg.test_dataloader.dataset['metainfo'], cfg.test_dataloader.dataset['type']
    cfg.dump(folder / 'detector.py')


def needs_compiled_mmcv(folder):
    """Soft NMS is an operator of the compiled mmcv."""
    if mmcv_full_available():
        pytest.skip('mmcv is compiled')
    text = (folder / 'detector.py').read_text()
    (folder / 'detector.py').write_text(text.replace("type='nms'", "type='soft_nms'"))


BAD = {
    nothing: 'contains neither a config of mmdet .* nor a config.json of Hugging Face: give the',
    no_checkpoint: r"contains no checkpoint \(.pth\): put the detector's weights there",
    two_configs: r'contains 2 configs \(detector.py, other.py\): keep the one of the detector',
    two_checkpoints: r'contains 2 checkpoints \(a.pth, b.pth\): keep one of them',
    broken_config: r'detector.py cannot be read as a config \(.*line 1.*\): correct it',
    no_detector: 'detector.py is not the config of a detector: give one of mmdet',
    unknown_class: r'detector.py cannot be built as a detector of mmdet \(KeyError.*RTMDetour',
    no_loader: r'detector.py cannot be built as a detector of mmdet \(.*test_dataloader',
    other_widths: 'epoch_3.pth belongs to another model: it has .*; give it with the config',
    fewer_classes: 'detector.py has a head for 2 classes, but 1 names of classes: correct',
    without_names: 'detector.py nor its checkpoint names the classes of the detector: set metainfo',
    needs_compiled_mmcv: 'detector.py cannot run: mmcv.ops.softnms needs the compiled mmcv',
}


@pytest.mark.parametrize('damage', BAD, ids=lambda case: case.__name__)
def test_a_wrong_training_folder_raises_one_sentence(trained, tmp_path, damage):
    folder = shutil.copytree(trained, tmp_path / 'work')
    damage(folder)
    with pytest.raises(UserError, match=BAD[damage]) as error:
        open_boxes(folder)
    assert str(folder) in str(error.value)
    assert '\n' not in str(error.value)


def test_names_of_classes_can_be_in_the_config_only(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / 'work')
    content = torch.load(folder / 'epoch_3.pth')
    torch.save(content['state_dict'], folder / 'epoch_3.pth')
    assert open_boxes(folder).labels == CLASSES


def served_as(name, address, monkeypatch, **changes):
    """Replaces a detector in the table: another URL, and other changes."""
    local = replace(DETECTORS[name], url=f'{address}/{name}.pth', sha256='', **changes)
    monkeypatch.setitem(DETECTORS, name, local)


def test_a_released_detector_is_downloaded_and_built(served, trained, monkeypatch):
    """The small detector replaces a released one."""
    folder, address, asked = served
    shutil.copy(trained / 'epoch_3.pth', folder / 'rtmdet-nano.pth')
    config = trained / 'detector.py'
    served_as('rtmdet-nano', address, monkeypatch, config=config, classes=CLASSES)
    boxes = boxes_of(open_boxes('rtmdet-nano', score=0.05), PICTURES[0])
    expected = boxes_of(open_boxes(trained, score=0.05), PICTURES[0])
    np.testing.assert_array_equal(boxes[0].xyxy, expected[0].xyxy)
    assert asked == ['/rtmdet-nano.pth']


@pytest.mark.slow
@pytest.mark.parametrize('name', ['rtmdet-m', 'rtmdet-nano', 'rtmdet-m-coco'])
def test_a_released_detector_is_built_from_its_own_config(served, monkeypatch, name):
    """Random weights replace the released ones."""
    folder, address, _ = served
    state = random_state(Config.fromfile(DETECTORS[name].config))
    torch.save(dict(state_dict=state), folder / f'{name}.pth')
    served_as(name, address, monkeypatch)
    detector = open_boxes(name, score=0.0)
    assert detector.labels == DETECTORS[name].classes
    [boxes] = boxes_of(detector, PICTURES[0])
    assert len(boxes.xyxy)


def test_names_of_released_files_have_the_digits_of_their_hash():
    """OpenMMLab's tool for publishing writes them; the configs are included in the packages."""
    released = {name: one for name, one in DETECTORS.items() if isinstance(one, ReleasedMmdet)}
    assert {name: one.sha256 for name, one in released.items()} == {
        'rtmdet-m': '235e8209',
        'rtmdet-nano': '05d8511e',
        'rtmdet-m-coco': '229f527c',
    }
    for one in released.values():
        assert one.url.endswith(f'-{one.sha256}.pth')
        assert one.config.is_file()
    assert len(DETECTORS['rtmdet-m-coco'].classes) == 80
