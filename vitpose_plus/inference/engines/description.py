"""What an exported file states about itself: its inputs, its outputs and the keypoints.

``vitpose export`` writes the description as JSON text into the metadata of the file. Nothing of it
is executed: it has names and numbers only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.version import __version__

KEY = 'vitpose_plus'  # the name of the metadata in the file
SCHEMA = 1
KEYPOINTS, HEATMAPS, TAGS = 'keypoints', 'heatmaps', 'heatmaps+tags'


@dataclass(frozen=True)
class DatasetPart:
    """A dataset of an exported model.

    Attributes:
        skeleton: The keypoints, and the size and the padding of the crops.
        use_udp: Whether the crops are made as UDP requires (``TopdownAffine``).
        codec: The type and the arguments of the codec that decodes the heatmaps.
        is_stretched: Whether boxes are stretched to the crop (``StretchedTopdownAffine``).
        shift_heatmap: Whether a flip test shifts the heatmaps of the mirrored crop by one pixel.
    """

    skeleton: Skeleton
    use_udp: bool
    codec: Mapping[str, Any]
    is_stretched: bool = False
    shift_heatmap: bool = False


@dataclass(frozen=True)
class Description:
    """The description of an exported file.

    The first input is the crops (B, 3, height, width). If the model has experts, the second input
    is the number of each crop's dataset (B,), int64: its position in ``datasets``. The outputs are
    the keypoints x, y (B, K, 2) in pixels of the crop and their scores (B, K), or the heatmaps
    (B, K, h, w). K is the largest number of keypoints of all datasets; what a dataset does not
    have is zero.

    Attributes:
        model: The name of the model.
        outputs: ``keypoints``, ``heatmaps``, or ``heatmaps+tags`` of a bottom-up model.
        precision: ``fp32``, ``fp16`` or ``int8``.
        channels: ``rgb`` or ``bgr``: the order of the crops' channels.
        is_normalising: Whether the crops are pixels from 0 to 255, which the file normalises;
            otherwise they must be normalised with ``mean`` and ``std``.
        mean: The means of the three channels, in the order ``channels``, in pixel values.
        std: The standard deviations of the three channels.
        flip_test: Whether the file averages the heatmaps of the crop and of the mirrored crop.
        has_experts: Whether the second input is the number of the dataset.
        datasets: The datasets, in the order of their numbers.
        licence_flags: The licence flags of the weights (docs/weights.md).
        defaults: The defaults of ``predict`` in the model's config.
        version: The version of vitpose_plus that wrote the file.
    """

    model: str
    outputs: str
    precision: str
    channels: str
    is_normalising: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip_test: bool
    has_experts: bool
    datasets: tuple[DatasetPart, ...]
    licence_flags: tuple[str, ...] = ()
    defaults: Mapping[str, str] | None = None
    version: str = __version__

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the datasets."""
        return tuple(part.skeleton.dataset for part in self.datasets)

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the crops, in pixels."""
        return self.datasets[0].skeleton.input_wh[::-1]

    @property
    def allows_flip_test(self) -> bool:
        """Whether a flip test is possible: in the file, or with the heatmaps of a second run."""
        return self.flip_test or self.outputs == HEATMAPS

    def to_json(self) -> str:
        """Returns the text that is written into the file."""
        return json.dumps(dict(schema=SCHEMA) | asdict(self))

    @classmethod
    def from_json(cls, text: str) -> 'Description':
        """Reads ``to_json``.

        Raises:
            UserError: The text is damaged, or has a newer schema. The message does not name the
                file.
        """
        try:
            fields = json.loads(text)
            if fields['schema'] > SCHEMA:
                raise UserError(
                    f'vitpose_plus {fields["version"]} wrote it with schema {fields["schema"]}, '
                    f'and this version reads schema {SCHEMA}: update vitpose_plus.'
                )
            return cls._of(fields)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                'Its description is damaged: export the model again with vitpose export.'
            ) from error

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> 'Description':
        fields = {key: value for key, value in fields.items() if key != 'schema'}
        parts = [
            DatasetPart(**(part | dict(skeleton=_skeleton(part['skeleton']))))
            for part in fields['datasets']
        ]
        if not parts:
            raise ValueError('There is no dataset.')
        lists = {key: tuple(fields[key]) for key in ('mean', 'std', 'licence_flags')}
        return cls(**fields | lists | dict(datasets=tuple(parts)))


def _skeleton(fields: dict[str, Any]) -> Skeleton:
    """A skeleton whose lists are tuples again."""
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Skeleton(**fields | lists | dict(links=tuple(map(tuple, fields['links']))))


def always_averaged(path: str | Path) -> str:
    """The note about a file whose flip test is not wanted."""
    return (
        f'{path} was exported with --flip-test, so its predictions are always averaged with those '
        'of the mirrored crops.'
    )
