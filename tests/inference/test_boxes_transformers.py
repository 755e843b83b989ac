"""Detectors of transformers, by folder and by name, without network."""

import shutil
import sys

import numpy as np
import pytest
import torch

from tests.helpers.detectors import boxes_of, picture
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes import open_boxes
from vitpose_plus.inference.boxes.detectors import COCO, DETECTORS
from vitpose_plus.inference.boxes.hugging_face import download

transformers = pytest.importorskip('transformers')
SIDE = 64
PICTURES = [picture(f'{wh}.png', wh) for wh in ((64, 48), (48, 96), (150, 150))]


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """A D-FINE with random weights and two classes, written by ``save_pretrained``."""
    folder = tmp_path_factory.mktemp('dfine') / 'saved'
    torch.manual_seed(0)
    narrow = dict(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 16, 16],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 16, 16, 16],
        hidden_sizes=[8, 16, 16, 16],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
    )
    config = transformers.DFineConfig(
        backbone_config=transformers.HGNetV2Config(
            **narrow, out_features=['stage2', 'stage3', 'stage4']
        ),
        encoder_in_channels=[16, 16, 16],
        decoder_in_channels=[32, 32, 32],
        encoder_hidden_dim=32,
        d_model=32,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        decoder_layers=2,
        num_queries=10,
        id2label={0: 'person', 1: 'dog'},
    )
    model = transformers.DFineForObjectDetection(config)
    for name, parameter in model.named_parameters():
        if 'class_embed' in name or 'score' in name:
            parameter.data.normal_(0, 0.5)  # else all scores are the same
    model.save_pretrained(folder)
    size = dict(height=SIDE, width=SIDE)
    transformers.RTDetrImageProcessor(size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope='module')
def detector(saved):
    return open_boxes(saved, score=0.1)


def test_boxes_are_the_same_as_in_transformers(saved, detector):
    assert detector.labels == ('person', 'dog')
    [given] = boxes_of(detector, PICTURES[0])
    processor = transformers.AutoImageProcessor.from_pretrained(saved)
    model = transformers.AutoModelForObjectDetection.from_pretrained(saved)
    image = PICTURES[0].image
    with torch.no_grad():
        outputs = model(**processor(images=image[..., ::-1].copy(), return_tensors='pt'))
    [found] = processor.post_process_object_detection(
        outputs, threshold=0.1, target_sizes=[image.shape[:2]]
    )
    assert len(given.xyxy) > 3
    np.testing.assert_allclose(given.xyxy, found['boxes'].numpy(), atol=1e-4)
    np.testing.assert_allclose(given.scores, found['scores'].numpy(), rtol=1e-5)
    assert given.labels == [['person', 'dog'][number] for number in found['labels']]


def test_boxes_do_not_depend_on_the_other_pictures(detector):
    for one, other in zip(boxes_of(detector, *PICTURES), PICTURES, strict=True):
        [alone] = boxes_of(detector, other)
        np.testing.assert_allclose(one.xyxy, alone.xyxy, atol=1e-2)
        assert one.labels == alone.labels


def no_weights(folder):
    (folder / 'model.safetensors').unlink()


def a_pickle(folder):
    """Pickles can contain code: they are not read."""
    no_weights(folder)
    torch.save({}, folder / 'pytorch_model.bin')


def no_processor(folder):
    (folder / 'preprocessor_config.json').unlink()


def missing_tensors(folder):
    from safetensors.torch import load_file, save_file

    path = folder / 'model.safetensors'
    kept = {k: v for k, v in load_file(path).items() if 'enc_score_head' not in k}
    save_file(kept, path, metadata=dict(format='pt'))


def other_model(folder):
    (folder / 'config.json').write_text('{"model_type": "vitpose"}')


def no_json(folder):
    (folder / 'config.json').write_text('{')


def too_small(folder):
    """Inputs of 4x4 pixels are smaller than a stride."""
    text = (folder / 'preprocessor_config.json').read_text()
    (folder / 'preprocessor_config.json').write_text(text.replace('64', '4'))


def own_code(folder):
    text = '{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}'
    (folder / 'config.json').write_text(text)


READ = r'cannot be read as a detector of transformers \(.*\): give a folder with its config.json'
BAD = {
    no_weights: READ,
    a_pickle: READ,
    no_processor: READ,
    missing_tensors: "has no 'model.enc_score_head.bias', 'model.enc_score_head.weight': download",
    other_model: READ,
    no_json: READ,
    too_small: r'The detector of .* cannot run \(.*\): correct',
    own_code: READ,
}


@pytest.mark.parametrize('damage', BAD, ids=lambda case: case.__name__)
def test_a_folder_without_a_detector_raises_one_sentence(saved, tmp_path, damage):
    folder = shutil.copytree(saved, tmp_path / 'saved')
    damage(folder)
    with pytest.raises(UserError, match=BAD[damage]) as error:
        open_boxes(folder)
    assert str(folder) in str(error.value)
    assert '\n' not in str(error.value)


def test_the_extra_is_named_if_transformers_is_missing(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(UserError, match=r"needs the package transformers.*'vitpose_plus\[hf\]'"):
        open_boxes(saved)


def test_a_released_detector_is_downloaded_once(saved, tmp_path, monkeypatch):
    """The folder of downloads is checked first; an incomplete download is not used."""
    import huggingface_hub

    asked = []

    def snapshot_download(repository, allow_patterns, local_files_only=False):
        asked.append((repository, local_files_only))
        if local_files_only and len(asked) == 1:
            return str(tmp_path)
        return str(saved)

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', snapshot_download)
    name = 'ustc-community/dfine-small-coco'
    assert download(name) == str(saved)
    assert open_boxes('dfine-s').labels == ('person', 'dog')
    assert asked == [(name, True), (name, False), (name, True)]
    assert DETECTORS['dfine-s'].classes == COCO


def test_a_failed_download_raises_one_sentence(monkeypatch):
    import huggingface_hub

    def snapshot_download(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', snapshot_download)
    with pytest.raises(UserError, match=r'cannot be downloaded .*no network\): check the network'):
        open_boxes('rtdetrv2-r18')
