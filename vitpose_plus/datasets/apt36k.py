from mmpose.datasets.datasets import AP10KDataset
from mmpose.registry import DATASETS


@DATASETS.register_module()
class APT36KDataset(AP10KDataset):
    """APT-36K: AP-10K's keypoints, file format and flip pairs under its own name.

    The authors read APT-36K with the AP-10K class. With its own name, it has its own head, expert
    and metric.
    """

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        return {**super()._load_metainfo(metainfo), 'dataset_name': 'apt36k'}
