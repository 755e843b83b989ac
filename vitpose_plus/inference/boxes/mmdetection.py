"""Detectors of mmdet."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.models.detectors import BaseDetector
from mmdet.registry import MODELS
from mmdet.utils import get_test_pipeline_cfg
from mmengine.config import Config, ConfigDict
from mmengine.model.utils import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.batching import batches
from vitpose_plus.inference.boxes.given import inside
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.sources.picture import Picture


class MmdetDetector(BoxSource):
    """A detector of mmdet, with the test pipeline of its config.

    Args:
        title: The name of the config, for errors.
        cfg: The config, with ``model`` and ``test_dataloader``.
        labels: The names of its classes.
        score: Detections with a lower score are left out.
    """

    def __init__(self, title: str, cfg: Config, labels: Sequence[str], score: float) -> None:
        self.title, self.labels, self.score = title, tuple(labels), score
        self._scope = cfg.get('default_scope', 'mmdet')
        with self._running():
            self.model = revert_sync_batchnorm(MODELS.build(without_downloads(cfg.model))).eval()
            pipeline = get_test_pipeline_cfg(cfg)
            pipeline[0]['type'] = 'mmdet.LoadImageFromNDArray'
            self._prepare = Compose(pipeline)
        if not isinstance(self.model, BaseDetector):
            raise UserError(f'{title} is not the config of a detector: give one of mmdet.')
        numbers = _numbers_of_classes(self.model)
        if numbers and len(labels) not in numbers:
            raise UserError(
                f'{title} has a head for {max(numbers)} classes, but {len(labels)} names of '
                'classes: correct num_classes, or the classes in metainfo.'
            )

    def load(self, path: str, state_dict: dict[str, torch.Tensor], device: str) -> None:
        """Loads weights; raises a ``UserError`` if some are missing or unexpected."""
        check_fit(state_dict, self.model, path)
        self.model.load_state_dict(state_dict)
        self.model.to(device)

    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        with self._running(), torch.no_grad():
            prepared = [self._prepared(image) for image in images]
            found: dict[int, Any] = {}
            for rows in batches(prepared, lambda one: one['inputs']):
                batch = {
                    name: [prepared[row][name] for row in rows]
                    for name in ('inputs', 'data_samples')
                }
                found |= zip(rows, self.model.test_step(batch), strict=True)
        return [
            self._boxes(found[row].pred_instances.cpu().numpy(), image)
            for row, image in enumerate(images)
        ]

    def _prepared(self, image: np.ndarray) -> dict[str, Any]:
        try:
            return self._prepare(dict(img=image, img_id=0))
        except cv2.error as error:  # a side would have less than half a pixel
            height, width = image.shape[:2]
            raise UserError(
                f'A picture of {width}x{height} pixels is too narrow for the detector of '
                f'{self.title}: crop it, or give its boxes.'
            ) from error

    def _boxes(self, instances: Any, image: np.ndarray) -> Boxes:
        """The boxes of one picture; boxes that are completely in its padding are left out."""
        xyxy = instances.bboxes.astype(np.float32)
        kept = (instances.scores >= self.score) & inside(xyxy, image.shape[1::-1])
        kept &= (xyxy[:, 2:] > xyxy[:, :2]).all(1)
        return Boxes(
            xyxy=xyxy[kept],
            scores=instances.scores[kept].astype(np.float32),
            labels=[self.labels[number] for number in instances.labels[kept]],
        )

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Sets the scope of mmdet; raises a ``UserError`` for a missing operator."""
        try:
            with DefaultScope.overwrite_default_scope(self._scope):
                yield
        except (UserError, torch.OutOfMemoryError):
            raise
        except NotImplementedError as error:  # for example an operator that needs the compiled mmcv
            raise UserError(f'The detector of {self.title} cannot run: {error}') from error


def _numbers_of_classes(model: BaseDetector) -> set[int]:
    """The number of classes of each ``bbox_head``; the first stage (``rpn_head``) has only one."""
    heads = (part for name, part in model.named_modules() if 'bbox_head' in name.split('.'))
    return {head.num_classes for head in heads if hasattr(head, 'num_classes')}


def without_downloads(model: Any) -> Any:
    """Returns a model's config without the initial weights of a training (``init_cfg``)."""
    if isinstance(model, Mapping):
        kept = {k: without_downloads(v) for k, v in model.items() if k != 'init_cfg'}
        return ConfigDict(kept)
    return [without_downloads(v) for v in model] if isinstance(model, list | tuple) else model
