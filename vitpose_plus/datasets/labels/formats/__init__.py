"""The formats of label files; each is one class, in ``FORMATS``."""

from vitpose_plus.datasets.labels.formats.coco import CocoKeypoints
from vitpose_plus.datasets.labels.formats.cvat import CvatXml
from vitpose_plus.datasets.labels.formats.deeplabcut import DeepLabCutCsv
from vitpose_plus.datasets.labels.formats.label_studio import LabelStudioJson
from vitpose_plus.datasets.labels.formats.labelme import LabelmeJson
from vitpose_plus.datasets.labels.formats.table import Table
from vitpose_plus.datasets.labels.loading import load_csv, load_json, load_xml, refuse_hdf5

# Ending -> the function that opens the file, and the formats with this ending.
FORMATS = {
    '.json': (load_json, (CocoKeypoints, LabelStudioJson, LabelmeJson)),
    '.xml': (load_xml, (CvatXml,)),
    '.csv': (load_csv, (DeepLabCutCsv, Table)),
    '.tsv': (load_csv, (Table,)),
    '.h5': (refuse_hdf5, ()),
}
TITLES = tuple(dict.fromkeys(kind.TITLE for _, kinds in FORMATS.values() for kind in kinds))
