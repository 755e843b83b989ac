from mmpose.datasets.datasets import AP10KDataset
from mmpose.registry import DATASETS


@DATASETS.register_module()
class APT36KDataset(AP10KDataset):
    """APT-36K: AP-10K's keypoints, file format and flip pairs under a name of its own.

    The authors read it with the AP-10K class; a name of its own gives it a head, an expert and
    a metric of its own.
    """

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        return {**super()._load_metainfo(metainfo), 'dataset_name': 'apt36k'}
