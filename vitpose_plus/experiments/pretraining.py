"""Makes the input of the model and the loader of a pre-training from its datasets.

``topdown`` does this for pose models. A pre-training reads only ``train`` of an entry of
``configs/datasets/``.
"""

from collections.abc import Callable
from copy import deepcopy

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.pipelines import box
from vitpose_plus.experiments.topdown import placed


def person_crops(
    datasets: dict[str, dict],
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
) -> tuple[dict, dict]:
    """Samples are parts of people's boxes, one for each annotated person.

    This is "cropping" in table 3 of ViTPose.

    Args:
        datasets: Dataset name -> entry with a ``train`` part. Boxes are enlarged by ``padding`` of
            the entry, if it is given.
        input_hw: Height and width of the input, in pixels.
        data_root: The folder that contains the folders of all datasets.

    Returns:
        ``model`` and ``train_dataloader``, to be merged into those of the base config.
    """

    def region(entry: dict) -> list[dict]:
        return [box(entry), dict(type='RandomPersonCrop')]

    return _parts(datasets, region, {}, input_hw, data_root)


def whole_pictures(
    datasets: dict[str, dict],
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
) -> tuple[dict, dict]:
    """As ``person_crops``, but samples are parts of pictures: one for each annotated picture."""
    once_each = dict(data_mode='bottomup')

    def region(entry: dict) -> list[dict]:
        return [dict(type='RandomPictureCrop')]

    return _parts(datasets, region, once_each, input_hw, data_root)


def _parts(
    datasets: dict[str, dict],
    region: Callable[[dict], list[dict]],
    mode: dict,
    input_hw: tuple[int, int],
    root: str,
) -> tuple[dict, dict]:
    """Returns model and loader. The last transform of a region gets the size of the input."""
    missing = [name for name, entry in datasets.items() if 'train' not in entry]
    if missing or not datasets:
        raise UserError(
            f'There is nothing to pre-train on: {", ".join(missing) or "`datasets`"} has no '
            '`train`; name entries of configs/datasets/ that have one.'
        )
    # Each part is a copy: a change of one part of a config must not change another part.
    sets = [
        deepcopy(
            dict(placed(entry['train'], root), **mode, pipeline=_pipeline(region(entry), input_hw))
        )
        for entry in datasets.values()
    ]
    model = dict(backbone=dict(input_hw=tuple(input_hw)))
    return model, dict(dataset=dict(type='MultiDataset', datasets=sets))


def _pipeline(region: list[dict], input_hw: tuple[int, int]) -> list[dict]:
    return [
        dict(type='LoadImage'),
        *region[:-1],
        dict(region[-1], input_size=tuple(input_hw[::-1])),
        dict(type='RandomFlip', direction='horizontal'),
        dict(type='PackPoseInputs'),
    ]
