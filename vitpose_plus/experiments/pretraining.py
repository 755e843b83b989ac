"""From the datasets of a pre-training to its model's input and its loader.

As ``topdown`` for pose models. Of the entries of ``configs/datasets/`` only ``train`` is read.
"""

from copy import deepcopy

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.topdown import placed


def person_crops(
    datasets: dict[str, dict],
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
) -> tuple[dict, dict]:
    """Parts of the boxes of annotated people: one sample a person (ViTPose, table 3, "cropping").

    Args:
        datasets: Dataset name -> entry with a ``train`` part.
        input_hw: Height and width of the input, in pixels.
        data_root: The folder that holds all datasets' folders.

    Returns:
        ``model`` and ``train_dataloader``, to be merged into those of the base config.
    """
    region = [dict(type='GetBBoxCenterScale'), dict(type='RandomPersonCrop')]
    return _parts(datasets, region, {}, input_hw, data_root)


def whole_pictures(
    datasets: dict[str, dict],
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
) -> tuple[dict, dict]:
    """The same for parts of pictures: one sample for each that is annotated, without its boxes."""
    once_each = dict(data_mode='bottomup')
    return _parts(datasets, [dict(type='RandomPictureCrop')], once_each, input_hw, data_root)


def _parts(
    datasets: dict[str, dict], crop: list[dict], mode: dict, input_hw: tuple[int, int], root: str
) -> tuple[dict, dict]:
    """``crop`` ends with the transform that is told the input's size."""
    lacking = [name for name, entry in datasets.items() if 'train' not in entry]
    if lacking or not datasets:
        raise UserError(
            f'There is nothing to pre-train on: {", ".join(lacking) or "`datasets`"} has no '
            '`train`; name entries of configs/datasets/ that have one.'
        )
    pipeline = [
        dict(type='LoadImage'),
        *crop[:-1],
        dict(crop[-1], input_size=tuple(input_hw[::-1])),
        dict(type='RandomFlip', direction='horizontal'),
        dict(type='PackPoseInputs'),
    ]
    # Copied one by one: changing one part of a config changes no other.
    sets = [
        deepcopy(dict(placed(entry['train'], root), **mode, pipeline=pipeline))
        for entry in datasets.values()
    ]
    model = dict(backbone=dict(input_hw=tuple(input_hw)))
    return model, dict(dataset=dict(type='MultiDataset', datasets=sets))
