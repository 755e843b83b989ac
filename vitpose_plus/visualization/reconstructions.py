"""The samples for sheets of a masked autoencoder's reconstructions."""

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.registry import DATASETS

from vitpose_plus.errors import UserError
from vitpose_plus.models import MaskedAutoencoder


def picture_samples(paths: list[str], model: MaskedAutoencoder) -> list[dict]:
    """Returns the middle of each picture, in the input size of the model."""
    patch_hw = model.backbone.patch_embed.stride
    grid_hw = model.backbone.pos_embed.shape[1:3]
    height, width = (n * side for n, side in zip(grid_hw, patch_hw, strict=True))
    middle = dict(type='MiddlePictureCrop', input_size=(width, height))
    pipeline = Compose([dict(type='LoadImage'), middle, dict(type='PackPoseInputs')])
    samples = []
    for path in paths:
        try:
            samples.append(pipeline(dict(img_path=path)))
        except Exception as error:  # OpenCV can raise any error for an unknown file
            raise UserError(f'{path} cannot be read as a picture: check the file.') from error
    return samples


def training_samples(cfg: Config, number: int) -> list[dict]:
    """Returns samples that are spread evenly over the training set, with the training's crops."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    chosen = np.linspace(0, len(dataset) - 1, min(number, len(dataset))).astype(int)
    return [dataset[i] for i in chosen.tolist()]
