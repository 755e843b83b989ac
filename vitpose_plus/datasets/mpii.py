from mmpose.datasets.datasets import MpiiDataset
from mmpose.registry import DATASETS


@DATASETS.register_module()
class ZeroBasedMpiiDataset(MpiiDataset):
    """MPII with joints counted from pixel zero, like its centres, as in the authors' code.

    The annotation file counts pixels from one, and mmpose corrects this only for the centres.
    Missing joints become (-2, -2).
    """

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        instances, images = super()._load_annotations()
        for instance in instances:
            instance['keypoints'] = instance['keypoints'] - 1
        return instances, images
