from mmpose.evaluation.metrics import MpiiPCKAccuracy
from mmpose.registry import METRICS


@METRICS.register_module()
class ZeroBasedMpiiPCKAccuracy(MpiiPCKAccuracy):
    """PCKh of joints counted from pixel zero, as ``ZeroBasedMpiiDataset`` gives them.

    mmpose adds one to the predictions and expects annotations that start at one.
    """

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        one_based = [dict(result, gt_coords=result['gt_coords'] + 1.0) for result in results]
        return super().compute_metrics(one_based)
