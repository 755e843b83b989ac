"""The texts of ``dataset.py`` and ``config.py``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitpose_plus.experiments.new_dataset.sizing import Sized

ENTRY = """\
# Written by `vitpose new-dataset`. Lines with "guessed" are not in the labels: check them.
def {name}_metainfo():  # a function, so that its variables do not become config keys
    return dict(
        dataset_name={name!r},
        # swap: the keypoint that it becomes in a mirrored picture{swap_comment}
        keypoint_info={{
{keypoints}
        }},
{skeleton}
        joint_weights=[1.0] * {number},  # mmpose needs them; they have no effect here
        sigmas=[{sigma}] * {number},  # guessed: the tolerance of AP (COCO: eye 0.025, hip 0.107)
    )


{name} = dict(
    num_keypoints={number},
    crop='udp_exact',  # decodes keypoints at the border of a crop without an error
    padding={padding},  # the sides of a box are multiplied by it
    # {boxes_comment}; to change it, run new-dataset again
    boxes={boxes!r},
    augmentation=dict(
{augmentation}
    ),
    train=dict(
        type='BaseCocoStyleDataset',
        metainfo={name}_metainfo(),
        data_root={root},
        ann_file='annotations/train.json',
        data_prefix=dict(img={pictures!r}),
    ),
    val=dict(
        type='BaseCocoStyleDataset',
        metainfo={name}_metainfo(),
        data_root={root},
        ann_file='annotations/val.json',
        data_prefix=dict(img={pictures!r}),
    ),
    metric=[dict(type='EPE'), dict(type='CocoMetric')],
)
"""
CONFIG = """\
# Written by `vitpose new-dataset`; train it with `vitpose train`. The numbers may be changed.
_base_ = './dataset.py'
from vitpose_plus.experiments import {function}

globals().update(
    {function}(
        _base_,
        {name!r},
{arguments}
    )
)
"""
LONGEST = 100  # letters in a line
FOLDER = '{{ fileDirname }}'  # mmengine replaces it by the folder of the file


@dataclass(frozen=True)
class Keypoints:
    """The keypoints in the text of an entry.

    Attributes:
        names: The names, in order.
        swap: Name -> partner in a mirrored picture.
        swap_comment: Where the partners come from.
        links: Pairs of keypoint numbers, from 0.
        sigma: The sigma of every keypoint.
    """

    names: Sequence[str]
    swap: Mapping[str, str]
    swap_comment: str
    links: Sequence[tuple[int, int]]
    sigma: float


def entry_text(
    name: str,
    keypoints: Keypoints,
    boxes: str,
    boxes_comment: str,
    padding: float,
    augmentation: Mapping[str, Sized],
    pictures: str,
) -> str:
    """Returns the text of ``dataset.py``.

    Args:
        name: The name of the dataset.
        keypoints: Its keypoints.
        boxes: How the boxes were made, the value of ``--boxes``.
        boxes_comment: What that means.
        padding: The padding of the boxes.
        augmentation: Transform or list -> its changes, with the reason.
        pictures: The folder of the pictures, seen from that of the file, or absolute.
    """
    rows = [
        f'            {i}: dict(name={each!r}, id={i}, swap={keypoints.swap.get(each, "")!r}),'
        for i, each in enumerate(keypoints.names)
    ]
    return ENTRY.format(
        name=name,
        swap_comment=keypoints.swap_comment,
        keypoints='\n'.join(rows),
        skeleton=_skeleton(keypoints),
        number=len(keypoints.names),
        sigma=keypoints.sigma,
        padding=padding,
        boxes=boxes,
        boxes_comment=boxes_comment,
        augmentation='\n'.join(_lines(augmentation, indent=8)),
        root=f'r"""{FOLDER}"""',
        pictures=pictures,
    )


def config_text(
    name: str, arguments: Mapping[str, Sized], function: str = 'own_dataset_config'
) -> str:
    """Returns the text of ``config.py``, with the reasons as comments.

    Args:
        name: The name of the dataset.
        arguments: The arguments of the function.
        function: The function of ``experiments`` that makes the config.
    """
    return CONFIG.format(
        name=name, function=function, arguments='\n'.join(_lines(arguments, indent=8))
    )


def _skeleton(keypoints: Keypoints) -> str:
    names = keypoints.names
    if not keypoints.links:
        if len(names) == 1:
            return '        skeleton_info={},'
        example = f'0: dict(link=({names[0]!r}, {names[-1]!r}), id=0)'
        comment = f'        # The labels have no links. For a line: {example}'
        return f'{comment}\n        skeleton_info={{}},'
    rows = [
        f'            {i}: dict(link=({names[a]!r}, {names[b]!r}), id={i}),'
        for i, (a, b) in enumerate(keypoints.links)
    ]
    return '\n'.join(['        skeleton_info={', *rows, '        },'])


def _lines(values: Mapping[str, Sized], indent: int) -> list[str]:
    """Lines of arguments with their reasons as comments; a long comment has its own line."""
    lines, space = [], ' ' * indent
    for key, each in values.items():
        argument = f'{space}{key}={_code(each.value)},'
        line = f'{argument}  # {each.reason}'
        lines += [line] if len(line) <= LONGEST else [f'{space}# {each.reason}', argument]
    return lines


def _code(value: object) -> str:
    """Python code of a value; dicts as ``dict(...)``, as everywhere in configs."""
    if isinstance(value, dict):
        return f'dict({", ".join(f"{key}={_code(each)}" for key, each in value.items())})'
    if isinstance(value, list):
        return f'[{", ".join(map(_code, value))}]'
    return repr(value)
