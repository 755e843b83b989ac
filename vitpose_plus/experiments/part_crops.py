"""The kinds of crops by their names, and the kind of a dataset in a complete config."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import CONFIGS
from vitpose_plus.experiments.topdown import sized

CROPS = CONFIGS / '_base_' / 'crops.py'


def crops() -> dict[str, dict]:
    """The included kinds of crops, by name."""
    return Config.fromfile(CROPS, format_python_code=False).to_dict()['crops']


def kind_of_crop(head: Mapping, pipeline: Sequence[Mapping]) -> str:
    """The name of the kind with the codec, the transform and the shift of a dataset.

    Args:
        head: The dataset's entry in ``heads``.
        pipeline: The transforms of its tests.

    Raises:
        UserError: It is none of the included kinds.
    """
    codec, (w, h) = _plain(head['codec']), head['codec']['input_size']
    shift = bool((head.get('test_cfg') or {}).get('shift_heatmap', False))
    steps = [_plain(step) for step in pipeline]
    for kind, crop in crops().items():
        whole = sized(crop, (h, w), codec.get('sigma', 0.0))
        affine = _plain(dict(whole['affine'], input_size=whole['codec']['input_size']))
        if _plain(whole['codec']) == codec and affine in steps and crop['shift_heatmap'] == shift:
            return kind
    raise UserError(
        f'The crops of the dataset {head["dataset"]!r} are of none of the kinds '
        f'{", ".join(crops())} (configs/_base_/crops.py), and a part has only the name of its '
        'kind: train the dataset with one of them.'
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with a class by its name, and tuples as lists."""
    kind = values['type']
    named = {k: list(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
    return dict(named, type=kind if isinstance(kind, str) else kind.__name__)
