"""Metrics that mmpose does not have: for several datasets, and for pixels counted from zero."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.structures import BaseDataElement
from mmpose.evaluation.metrics import MpiiPCKAccuracy
from mmpose.registry import EVALUATORS, METRICS

from vitpose_plus.errors import UserError


@EVALUATORS.register_module()
class DatasetwiseEvaluator(Evaluator):
    """Scores every sample with the metric of its own dataset, by the sample's ``dataset_name``.

    Args:
        metrics: Configs of the metrics, each with ``dataset``, the name of its dataset, which is
            also the prefix of its results (``coco/AP``).
    """

    def __init__(self, metrics: list[dict]) -> None:
        self.names = [metric['dataset'] for metric in metrics]
        configs = [{'prefix': m['dataset'], **m} for m in metrics]
        for config in configs:
            del config['dataset']
        super().__init__(configs)

    @property
    def dataset_meta(self) -> dict | None:
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        """Sets the metainfo of every metric: that of its dataset in ``MultiDataset.metainfo``."""
        known = dataset_meta['datasets']
        if set(known) != set(self.names):
            raise UserError(
                f'Metrics are given for {", ".join(self.names)}, '
                f'but the data contains {", ".join(known)}: give one for each dataset.'
            )
        self._dataset_meta = dataset_meta
        for name, metric in zip(self.names, self.metrics, strict=True):
            metric.dataset_meta = known[name]

    def process(
        self, data_samples: Sequence[BaseDataElement], data_batch: dict[str, Any] | None = None
    ) -> None:
        rows = defaultdict(list)
        for row, sample in enumerate(data_samples):
            rows[sample.dataset_name].append(row)
        for name, metric in zip(self.names, self.metrics, strict=True):
            if own := rows.get(name):
                batch = data_batch and {k: [v[row] for row in own] for k, v in data_batch.items()}
                metric.process(batch, [data_samples[row].to_dict() for row in own])


@METRICS.register_module()
class ZeroBasedMpiiPCKAccuracy(MpiiPCKAccuracy):
    """PCKh of joints in pixels counted from zero, as ``ZeroBasedMpiiDataset`` returns them.

    mmpose adds one to the predictions and expects annotations in pixels counted from one. The mean
    over all joints comes first, because the best checkpoint is chosen by the first number.
    """

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        one_based = [dict(result, gt_coords=result['gt_coords'] + 1.0) for result in results]
        metrics = super().compute_metrics(one_based)
        return dict(sorted(metrics.items(), key=lambda item: item[0] != 'PCK'))
