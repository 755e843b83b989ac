"""Small detectors with random weights, and pictures for them."""

import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from vitpose_plus.inference.boxes.detectors import MMPOSE
from vitpose_plus.inference.boxes.mmdetection import without_downloads
from vitpose_plus.inference.sources.picture import Picture

NANO = MMPOSE / 'rtmdet_nano_320-8xb32_coco-person.py'
CLASSES = ('person', 'animal')
INPUT_WH = (96, 96)


@dataclass
class GivenPicture(Picture):
    """A picture that is in memory."""

    image: np.ndarray | None = None

    def read(self) -> np.ndarray:
        return self.image


def picture(source: str, wh: tuple[int, int] = (64, 48)) -> GivenPicture:
    """Returns a picture of smooth noise, so that detections differ from place to place."""
    noise = np.random.default_rng(sum(wh)).integers(0, 255, (6, 6, 3), np.uint8)
    image = cv2.resize(noise, wh, interpolation=cv2.INTER_CUBIC)
    return GivenPicture(source, PurePosixPath(Path(source).name), image=image)


def boxes_of(source, *pictures: Picture):
    return source.boxes(pictures, [each.read() for each in pictures])


@cache
def _nano() -> Config:
    return Config.fromfile(NANO)


def small_config(num_classes: int = len(CLASSES)) -> Config:
    """mmpose's RTMDet nano with fewer channels, and a tenth of the input's area."""
    cfg = copy.deepcopy(_nano())
    plain = dict(norm_cfg=dict(type='BN'), use_depthwise=False)
    cfg.model.backbone.update(plain, deepen_factor=0.1, widen_factor=0.125)
    cfg.model.neck.update(plain, in_channels=[32, 64, 128], out_channels=16)
    cfg.model.bbox_head.update(plain, in_channels=16, feat_channels=16, num_classes=num_classes)
    cfg.model.test_cfg.update(max_per_img=20, nms=dict(type='nms', iou_threshold=0.95))
    dataset = cfg.test_dataloader.dataset
    dataset.metainfo = dict(classes=CLASSES)
    for step in dataset.pipeline:
        for name in {'scale', 'size'} & set(step):
            step[name] = INPUT_WH
    return cfg


def random_state(cfg: Config) -> dict[str, torch.Tensor]:
    """Returns random weights with which scores differ from place to place."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(without_downloads(cfg.model))
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = 1  # the statistics are those of the pictures below
    smooth = torch.randn(4, 3, 6, 6, generator=generator)
    with torch.no_grad():
        model.train()._forward(torch.nn.functional.interpolate(smooth, INPUT_WH, mode='bicubic'))
    for name, parameter in model.named_parameters():
        if 'rtm_' in name:  # the last layers: gives moderate sizes of boxes and scores
            parameter.data *= 0.02
    return model.state_dict()


def write_training(folder: Path, checkpoint: str = 'epoch_3.pth', **changes) -> Path:
    """Writes a training folder of mmdet."""
    folder.mkdir(parents=True, exist_ok=True)
    cfg = small_config()
    cfg.merge_from_dict(changes)
    cfg.dump(folder / 'detector.py')
    meta = dict(dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=random_state(cfg), meta=meta), folder / checkpoint)
    return folder
