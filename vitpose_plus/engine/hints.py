"""Warnings in the log about data and results that are probably a mistake."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch.utils.data import Dataset

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.evaluation.hints import Places, idle_hint, metric_hints, missing_results
from vitpose_plus.evaluation.metrics import DatasetwiseEvaluator


@HOOKS.register_module()
class ResultHintsHook(Hook):
    """Warns once about each probable mistake in the data of a training, or in results.

    An AP of 0 is normal in the first validations of a training. So the hook warns about such values
    only after the last validation. With several processes, the first process warns about its own
    predictions.
    """

    def __init__(self) -> None:
        self.logged: set[str] = set()
        self._start()

    def before_train(self, runner: Runner) -> None:
        if getattr(unwrapped(runner.model), 'with_head', False):  # other models learn no keypoints
            self._warn(runner, idle_datasets(runner.train_dataloader.dataset))
            self._warn(runner, idle_sources(runner.train_dataloader))

    def before_val_epoch(self, runner: Runner) -> None:
        self._start()

    def before_test_epoch(self, runner: Runner) -> None:
        self._start()

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: Sequence | None = None
    ) -> None:
        self._note(outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: Sequence | None = None
    ) -> None:
        self._note(outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self.metrics = metrics or {}
        self._warn(runner, metric_hints(self.metrics, trained=False))

    def after_train(self, runner: Runner) -> None:
        self._warn(runner, self._results())

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self.metrics = metrics or {}
        self._warn(runner, self._results())
        evaluator = runner.test_loop.evaluator
        if isinstance(evaluator, DatasetwiseEvaluator):
            scored = [m for m in evaluator.metrics if not getattr(m, 'format_only', False)]
            self._warn(runner, missing_results([metric.prefix for metric in scored], self.metrics))

    def _start(self) -> None:
        self.metrics: dict[str, float] = {}
        self.places: defaultdict[str, Places] = defaultdict(Places)

    def _note(self, outputs: Sequence[BaseDataElement] | None) -> None:
        """Notes the predictions for crops; those for whole pictures cannot be compared."""
        for sample in outputs or []:
            if 'pred_instances' in sample and 'input_scale' in sample:
                places = self.places[sample.get('dataset_name', 'the dataset')]
                crop = sample.input_center, sample.input_scale
                places.add(sample.pred_instances.keypoints, *crop)

    def _results(self) -> list[str]:
        found = [hint for name, places in self.places.items() for hint in places.hints(name)]
        return metric_hints(self.metrics) + found

    def _warn(self, runner: Runner, hints: Iterable[str]) -> None:
        for hint in hints:
            if hint not in self.logged:
                self.logged.add(hint)
                runner.logger.warning(hint)


def idle_datasets(dataset: Dataset) -> Iterator[str]:
    """Yields hints about the parts of a training's dataset that add nothing to the training."""
    for part, samples in _parts(dataset):
        infos = (part.get_data_info(row) for row in range(len(part)))
        if hint := idle_hint(part.metainfo.get('dataset_name', 'the dataset'), samples, infos):
            yield hint


def idle_sources(loader) -> Iterator[str]:
    """Yields hints about the parts from which mmpose's ``MultiSourceSampler`` takes no sample."""
    numbers = getattr(loader.sampler, 'num_per_source', [])
    parts = (part for part, _ in _parts(loader.dataset))
    for part, number in zip(parts, numbers, strict=False):
        if number == 0:
            yield idle_hint(part.metainfo.get('dataset_name', 'the dataset'), 0, [])


def _parts(dataset: Dataset) -> Iterator[tuple[BaseDataset, int]]:
    """Yields each single dataset, and the number of its samples in an epoch."""
    if hasattr(dataset, 'datasets'):
        numbers = getattr(dataset, 'lens', None) or map(len, dataset.datasets)
        yield from zip(dataset.datasets, numbers, strict=True)
    elif 'dataset' in vars(dataset):
        yield from _parts(dataset.dataset)
    elif isinstance(dataset, BaseDataset):
        yield dataset, len(dataset)
