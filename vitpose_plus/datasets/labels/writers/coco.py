"""COCO keypoints, which CVAT and other tools import."""

from pathlib import Path

from vitpose_plus.datasets.labels.model import Labels
from vitpose_plus.datasets.labels.writers.cvat_skeleton import skeleton_label
from vitpose_plus.datasets.labels.writers.label_writer import BOXES, LabelWriter, write_json
from vitpose_plus.datasets.labels.writing import write_coco

ANNOTATIONS, SKELETON = 'annotations.json', 'cvat_labels.json'


class CocoWriter(LabelWriter):
    """One file of COCO keypoints, and the skeleton with which a task of CVAT must begin.

    Hidden keypoints stay hidden. CVAT does not import the boxes.
    """

    def write(self, labels: Labels, folder: Path, category: str) -> None:
        rows = range(len(labels.pictures))
        write_coco(labels, rows, folder / ANNOTATIONS, category, BOXES, folder)
        write_json(folder / SKELETON, [skeleton_label(labels, category)])

    def advice(self, folder: Path) -> str:
        return (
            f'In CVAT, create a task with the pictures of {folder} and the content of {SKELETON} '
            f'as its labels (tab Raw). Upload {ANNOTATIONS} as "COCO Keypoints 1.0". Correct the '
            'labels, and export them as "CVAT for images 1.1". Give the file annotations.xml to '
            f'new-dataset --add, with --pictures {folder}.'
        )
