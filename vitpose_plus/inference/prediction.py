"""Predicts poses in pictures: threads decode, batches are predicted, memory is constant."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import torch

from vitpose_plus.errors import UserError
from vitpose_plus.files import about
from vitpose_plus.inference.assignment import Assignment
from vitpose_plus.inference.batches import BatchRunner
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.estimators import Estimator, Job
from vitpose_plus.inference.items import Failure, Item
from vitpose_plus.inference.iterating import ahead, groups
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Sources

PICTURES_ON_GPU = 8  # in a detector's batch; on the CPU a batch is not faster
WAITING_BYTES = 2**29  # for pictures that are not completely predicted yet


def raise_failure(failure: Failure) -> NoReturn:
    raise UserError(failure.error)


class Prediction:
    """A prediction for which model, sources, boxes and datasets are ready.

    Args:
        estimator: Makes the inputs of the network.
        run: Runs the network on the inputs.
        sources: The pictures.
        boxes: The source of the boxes; None for a bottom-up model.
        chosen: Class of a box -> dataset.
        settings: Further settings that change the predictions, for the manifest.

    Attributes:
        has_ids: Whether the instances in films have ids without tracking.
    """

    has_ids = False

    def __init__(
        self,
        estimator: Estimator,
        run: BatchRunner,
        sources: Sources,
        boxes: BoxSource | None,
        chosen: Assignment,
        settings: dict[str, Any],
    ) -> None:
        self.settings = settings
        self.estimator = estimator
        self.run = run
        self.sources = sources
        self.boxes = boxes
        self.chosen = chosen
        known = estimator.model.skeletons
        self.skeletons = {name: known[name] for name in chosen.datasets}

    def describe(self) -> dict[str, Any]:
        """Returns all settings that change the predictions, besides the model, for the manifest."""
        return dict(
            sources=self.sources.given,
            frames=self.sources.selection.describe(),
            device=self.run.device.type,
            **self.settings,
        )

    def results(self, on_failure: Callable[[Failure], None] = raise_failure) -> Iterator[Result]:
        """Yields the result of each picture that can be predicted, in order, in constant memory."""
        for item in self.settle(map(Item, self.sources)):
            if item.failure:
                on_failure(item.failure)
            else:
                yield item.result(self.skeletons)

    def settle(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yields each item with its instances or its failure, in order, in constant memory.

        Items that have instances already are only decoded.
        """
        threads = min(4, os.cpu_count() or 1)
        pool = ThreadPoolExecutor(threads)
        try:
            yield from self._settled(ahead(pool, _read, items, 2 * threads), pool, threads)
        finally:
            pool.shutdown(cancel_futures=True)

    def _settled(
        self, read: Iterable[Item], pool: ThreadPoolExecutor, threads: int
    ) -> Iterator[Item]:
        """Yields decoded items with their instances or failures; threads make the crops."""
        prepared = ahead(pool, self._prepare, self._boxed(read), threads)
        return self._posed(prepared)

    def _boxed(self, items: Iterable[Item]) -> Iterator[Item]:
        """Sets the boxes of the items; a detector gets batches of pictures."""
        if self.boxes is None:
            yield from items
            return
        on_cpu = self.run.device.type == 'cpu'
        for group in groups(items, 1 if on_cpu else PICTURES_ON_GPU):
            self._find_boxes([item for item in group if not item.is_settled])
            yield from group

    def _find_boxes(self, items: list[Item]) -> None:
        if not items:
            return
        try:
            found = self.boxes.boxes([i.picture for i in items], [i.image for i in items])
        except (UserError, torch.OutOfMemoryError):
            # Single pictures need less memory, and show which picture fails.
            for item in items:
                with _noting_failure(item):
                    [item.boxes] = self.boxes.boxes([item.picture], [item.image])
        else:
            for item, boxes in zip(items, found, strict=True):
                item.boxes = boxes

    def _prepare(self, item: Item, chosen: Assignment | None = None) -> Item:
        """Makes the inputs of an item; ``chosen`` replaces the run's class of a box -> dataset."""
        if not item.is_settled:
            with _noting_failure(item):
                item.jobs = self.estimator.jobs(item.image, item.boxes, chosen or self.chosen)
                if not item.jobs:  # nobody is found
                    item.instances = []
        return item

    def _posed(self, prepared: Iterable[Item]) -> Iterator[Item]:
        """Yields the items in order; a batch may have inputs of several pictures."""
        waiting: deque[Item] = deque()
        queue: deque[tuple[Item, Job]] = deque()
        for item in prepared:
            waiting.append(item)
            queue.extend((item, job) for job in item.jobs)
            while queue and (len(queue) >= self._batch_size or _exceeds_limit(waiting)):
                self._run_first(queue)
            yield from _pop_settled(waiting)
        while queue:
            self._run_first(queue)
            yield from _pop_settled(waiting)

    @property
    def _batch_size(self) -> int:
        return self.run.size if self.estimator.has_fixed_size else 1

    def _run_first(self, queue: deque[tuple[Item, Job]]) -> None:
        """Runs the first batch of the queue."""
        batch = [queue.popleft() for _ in range(min(len(queue), self._batch_size))]
        outputs = self.run([job.inputs for _, job in batch])
        for (item, job), output in zip(batch, outputs, strict=True):
            item.add(job.instances(output))


def _read(item: Item) -> Item:
    with _noting_failure(item):
        item.image = item.picture.read()
    return item


@contextmanager
def _noting_failure(item: Item) -> Iterator[None]:
    """Stores an error of the picture in its item; the run continues."""
    try:
        with about(item.picture.source):
            yield
    except UserError as error:
        item.fail(str(error))


def _pop_settled(waiting: deque[Item]) -> Iterator[Item]:
    while waiting and waiting[0].is_settled:
        yield waiting.popleft()


def _exceeds_limit(waiting: Iterable[Item]) -> bool:
    return sum(item.image.nbytes for item in waiting if item.image is not None) > WAITING_BYTES
