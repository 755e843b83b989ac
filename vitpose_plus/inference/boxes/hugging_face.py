"""Detectors of transformers: D-FINE, RT-DETRv2, and all others that its Auto classes support."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vitpose_plus.checkpoints.layouts.layout import shortened
from vitpose_plus.errors import UserError, needing, reason
from vitpose_plus.inference.boxes.batching import batches
from vitpose_plus.inference.boxes.given import inside
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.sources.picture import Picture

SAFE = dict(trust_remote_code=False)  # else transformers asks whether to run code of the folder
WEIGHTS = 'model.safetensors'
FILES = ['*.json', WEIGHTS]


class TransformersDetector(BoxSource):
    """A detector of transformers, with its own image processor.

    Args:
        folder: The folder with the files of ``save_pretrained`` of a detector and of its image
            processor.
        device: The device of the model.
        score: Detections with a lower score are left out.

    Raises:
        UserError: The folder does not contain a detector, or some of its weights are missing.
    """

    def __init__(self, folder: str | Path, device: str, score: float) -> None:
        self.score = score
        with needing('transformers', 'hf', folder):
            from transformers import AutoImageProcessor, AutoModelForObjectDetection
        try:
            self._processor = AutoImageProcessor.from_pretrained(folder, **SAFE)
            self.model, loaded = AutoModelForObjectDetection.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **SAFE
            )
        except Exception as error:  # a user's folder can cause any error
            raise UserError(
                f'{folder} cannot be read as a detector of transformers ({reason(error)}): give a '
                f'folder with its config.json, preprocessor_config.json and {WEIGHTS}.'
            ) from error
        if missing := sorted(loaded['missing_keys']):
            raise UserError(
                f'{folder}: the detector has no {shortened(missing)}: download or save it again.'
            )
        self.model.to(device).eval()
        names = self.model.config.id2label
        self.labels = tuple(names[number] for number in range(len(names)))

    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        prepared = [self._prepare(image) for image in images]
        found: dict[int, dict[str, Tensor]] = {}
        for rows in batches(prepared, lambda one: one['pixel_values']):
            names = prepared[rows[0]]
            batch = {name: torch.cat([prepared[row][name] for row in rows]) for name in names}
            with torch.no_grad():
                outputs = self.model(**{k: v.to(self.model.device) for k, v in batch.items()})
            found |= zip(
                rows,
                self._processor.post_process_object_detection(
                    outputs,
                    threshold=self.score,
                    target_sizes=[images[row].shape[:2] for row in rows],
                ),
                strict=True,
            )
        return [self._boxes(found[row], image) for row, image in enumerate(images)]

    def _prepare(self, image: np.ndarray) -> dict[str, Tensor]:
        rgb = np.ascontiguousarray(image[..., ::-1])
        return dict(self._processor(images=rgb, return_tensors='pt'))

    def _boxes(self, found: dict[str, Tensor], image: np.ndarray) -> Boxes:
        xyxy = found['boxes'].cpu().numpy().astype(np.float32)
        kept = inside(xyxy, image.shape[1::-1]) & (xyxy[:, 2:] > xyxy[:, :2]).all(1)
        return Boxes(
            xyxy=xyxy[kept],
            scores=found['scores'].cpu().numpy().astype(np.float32)[kept],
            labels=[self.labels[number] for number in found['labels'].cpu().numpy()[kept]],
        )


def download(repository: str) -> str:
    """Downloads a repository once, with the client of Hugging Face; returns the folder.

    Raises:
        UserError: The repository cannot be downloaded.
    """
    with needing('transformers', 'hf', repository):
        from huggingface_hub import snapshot_download
    with suppress(OSError):
        folder = snapshot_download(repository, allow_patterns=FILES, local_files_only=True)
        if Path(folder, WEIGHTS).is_file():  # else an earlier download was stopped
            return folder
    try:
        return snapshot_download(repository, allow_patterns=FILES)
    except Exception as error:  # errors of the client and of the network
        raise UserError(
            f'{repository} cannot be downloaded from Hugging Face ({reason(error)}): check the '
            'network, or download it by other means and give the folder.'
        ) from error
