"""The writers of labels for labelling tools: one class for each name on the command line."""

from vitpose_plus.datasets.labels.writers.coco import CocoWriter
from vitpose_plus.datasets.labels.writers.label_studio import LabelStudioWriter
from vitpose_plus.datasets.labels.writers.label_writer import LabelWriter
from vitpose_plus.datasets.labels.writers.labelme import LabelmeWriter

WRITERS: dict[str, type[LabelWriter]] = {
    'coco': CocoWriter,
    'labelme': LabelmeWriter,
    'label-studio': LabelStudioWriter,
}

__all__ = ['WRITERS', 'LabelWriter']
