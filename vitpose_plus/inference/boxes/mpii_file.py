"""The boxes in an annotation file of MPII."""

from pathlib import Path

import numpy as np

from vitpose_plus.datasets.checking.findings import Findings
from vitpose_plus.datasets.checking.mpii import MpiiFile
from vitpose_plus.datasets.checking.needs import Needs
from vitpose_plus.datasets.mpii import ZeroBasedMpiiDataset
from vitpose_plus.datasets.multi_dataset import load_annotations
from vitpose_plus.inference.boxes.given import GroupedBoxes
from vitpose_plus.inference.boxes.source import Boxes

PERSON = 'person'  # the only class of the file
FIELDS = ('bbox_center', 'bbox_scale')  # used for the crops; the boxes are computed from them, too


class MpiiBoxes(GroupedBoxes):
    """A list of people with ``image``, ``center`` and ``scale``, read by MPII's dataset class.

    Args:
        path: The path of the file.
        content: The content of the file.
    """

    def __init__(self, path: str | Path, content: list) -> None:
        title = str(path)
        dataset = ZeroBasedMpiiDataset(ann_file=title, lazy_init=True)
        found = Findings()
        MpiiFile(dataset, Needs(), found).check(content)
        found.raise_first()
        load_annotations('mpii', dataset)
        people: dict[str, list[dict]] = {}
        for row in range(len(dataset)):
            info = dataset.get_data_info(row)
            people.setdefault(info['img_path'], []).append(info)
        groups = {name: _boxes(infos) for name, infos in people.items()}
        super().__init__(title, groups, labels=[PERSON])


def _boxes(infos: list[dict]) -> Boxes:
    return Boxes(
        xyxy=np.concatenate([info['bbox'] for info in infos]),
        scores=np.concatenate([info['bbox_score'] for info in infos]),
        labels=[PERSON] * len(infos),
        category_ids=[1] * len(infos),
        fields=[{name: info[name] for name in FIELDS} for info in infos],
        image_id=infos[0]['img_id'],
    )
