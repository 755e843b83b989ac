"""Chooses the class that checks an annotation file."""

from functools import singledispatch

from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets import BaseCocoStyleDataset, CocoWholeBodyDataset, MpiiDataset

from vitpose_plus.datasets.checking.annotation_file import AnnotationFile
from vitpose_plus.datasets.checking.coco_style import (
    CocoStyleFile,
    OwnFieldsFile,
    WholeBodyFile,
)
from vitpose_plus.datasets.checking.interhand import InterHandFile
from vitpose_plus.datasets.checking.mpii import MpiiFile
from vitpose_plus.datasets.interhand import InterHand2DDataset


@singledispatch
def kind_of_file(dataset: BaseDataset) -> type[AnnotationFile] | None:
    """The class for a dataset's annotation file; None if the dataset has its own file format."""
    return None


@kind_of_file.register
def _(dataset: BaseCocoStyleDataset) -> type[AnnotationFile] | None:
    kind, base = type(dataset), BaseCocoStyleDataset
    if kind._load_annotations is not base._load_annotations:
        return None
    return CocoStyleFile if kind.parse_data_info is base.parse_data_info else OwnFieldsFile


@kind_of_file.register
def _(dataset: CocoWholeBodyDataset) -> type[AnnotationFile]:
    reads_parts = type(dataset).parse_data_info is CocoWholeBodyDataset.parse_data_info
    return WholeBodyFile if reads_parts else OwnFieldsFile


@kind_of_file.register
def _(dataset: InterHand2DDataset) -> type[AnnotationFile]:
    return InterHandFile


@kind_of_file.register
def _(dataset: MpiiDataset) -> type[AnnotationFile]:
    return MpiiFile
