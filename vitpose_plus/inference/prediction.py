"""Predicts poses in pictures: threads decode, batches are predicted, memory is constant."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
import torch

from vitpose_plus.errors import RunError, UserError
from vitpose_plus.files import about
from vitpose_plus.inference.assignment import Assignment
from vitpose_plus.inference.batches import BatchRunner
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.estimators import Estimator, Job
from vitpose_plus.inference.iterating import ahead, groups
from vitpose_plus.inference.results import Instance, Result
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.picture import Picture

PICTURES_ON_GPU = 8  # in a detector's batch; on the CPU a batch is not faster
WAITING_BYTES = 2**29  # for pictures that are not completely predicted yet

Item = TypeVar('Item')


class Failure(NamedTuple):
    """A picture that could not be predicted, and the reason in one sentence."""

    source: str
    frame: int | None
    error: str


def raise_failure(failure: Failure) -> NoReturn:
    raise UserError(failure.error)


class Opened(NamedTuple):
    """A decoded picture: BGR (height, width, 3)."""

    picture: Picture
    image: np.ndarray


@dataclass
class Waiting:
    """A picture with its inputs, and with the instances that are predicted so far."""

    opened: Opened
    image_id: int | None
    jobs: list[Job]
    done: list[list[Instance]] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return len(self.done) == len(self.jobs)


class Prediction:
    """A prediction for which model, sources, boxes and datasets are ready.

    Args:
        estimator: Makes the inputs of the network.
        run: Runs the network on the inputs.
        sources: The pictures.
        boxes: The source of the boxes; None for a bottom-up model.
        chosen: Class of a box -> dataset.
        settings: Further settings that change the predictions, for the manifest.
    """

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
            precision=self.run.precision,
            device=self.run.device.type,
            **self.settings,
        )

    def results(self, on_failure: Callable[[Failure], None] = raise_failure) -> Iterator[Result]:
        """Yields the result of each picture that can be predicted, in order, in constant memory."""
        threads = min(4, os.cpu_count() or 1)
        pool = ThreadPoolExecutor(threads)
        try:
            read = ahead(pool, _read, self.sources, 2 * threads)
            opened = _kept(read, on_failure)
            boxed = self._boxed(opened, on_failure) if self.boxes else ((o, None) for o in opened)
            prepared = ahead(pool, self._prepare, boxed, threads)
            yield from self._posed(_kept(prepared, on_failure))
        finally:
            pool.shutdown(cancel_futures=True)

    def _boxed(
        self, opened: Iterable[Opened], on_failure: Callable[[Failure], None]
    ) -> Iterator[tuple[Opened, Boxes]]:
        """Yields every picture with its boxes; a detector gets batches of pictures."""
        on_cpu = self.run.device.type == 'cpu'
        for group in groups(opened, 1 if on_cpu else PICTURES_ON_GPU):
            try:
                found = self.boxes.boxes(*zip(*group, strict=True))
            except (UserError, torch.OutOfMemoryError):
                # Single pictures need less memory, and show which picture fails.
                found = [self._boxes_of(each, on_failure) for each in group]
            yield from ((o, b) for o, b in zip(group, found, strict=True) if b is not None)

    def _boxes_of(self, opened: Opened, on_failure: Callable[[Failure], None]) -> Boxes | None:
        try:
            with about(opened.picture.source):
                return self.boxes.boxes([opened.picture], [opened.image])[0]
        except UserError as error:
            on_failure(_failure(opened.picture, error))
            return None

    def _prepare(self, boxed: tuple[Opened, Boxes | None]) -> Waiting | Failure:
        opened, boxes = boxed
        try:
            with about(opened.picture.source):
                jobs = self.estimator.jobs(opened.image, boxes, self.chosen)
        except UserError as error:
            return _failure(opened.picture, error)
        return Waiting(opened, boxes and boxes.image_id, jobs)

    def _posed(self, prepared: Iterable[Waiting]) -> Iterator[Result]:
        """Yields the results in order; a batch may have inputs of several pictures."""
        waiting: deque[Waiting] = deque()
        queue: deque[tuple[Waiting, Job]] = deque()
        for each in prepared:
            waiting.append(each)
            queue.extend((each, job) for job in each.jobs)
            while queue and (len(queue) >= self._batch_size or _exceeds_limit(waiting)):
                self._run_first(queue)
            yield from self._complete(waiting)
        while queue:
            self._run_first(queue)
            yield from self._complete(waiting)

    @property
    def _batch_size(self) -> int:
        return self.run.size if self.estimator.has_fixed_size else 1

    def _run_first(self, queue: deque[tuple[Waiting, Job]]) -> None:
        """Runs the first batch of the queue."""
        batch = [queue.popleft() for _ in range(min(len(queue), self._batch_size))]
        outputs = self.run([job.inputs for _, job in batch])
        for (owner, job), output in zip(batch, outputs, strict=True):
            owner.done.append(job.instances(output))

    def _complete(self, waiting: deque[Waiting]) -> Iterator[Result]:
        while waiting and waiting[0].is_complete:
            yield self._result(waiting.popleft())

    def _result(self, ready: Waiting) -> Result:
        picture, image = ready.opened
        instances = [instance for found in ready.done for instance in found]
        if not all(np.isfinite(part).all() for i in instances for part in (i.keypoints, i.scores)):
            raise RunError(
                f'The model predicts numbers that are not finite (NaN or infinity) for '
                f'{picture.source}: try --precision fp32, and check the checkpoint.'
            )
        return Result(
            picture.source,
            width=image.shape[1],
            height=image.shape[0],
            instances=instances,
            skeletons=self.skeletons,
            frame=picture.frame,
            time=picture.time,
            time_base=picture.time_base,
            image_id=ready.image_id,
            image=image,
            place=picture.place,
        )


def _read(picture: Picture) -> Opened | Failure:
    try:
        return Opened(picture, picture.read())
    except UserError as error:
        return _failure(picture, error)


def _failure(picture: Picture, error: UserError) -> Failure:
    return Failure(picture.source, picture.frame, str(error))


def _kept(items: Iterable[Item | Failure], on_failure: Callable[[Failure], None]) -> Iterator[Item]:
    for each in items:
        if isinstance(each, Failure):
            on_failure(each)
        else:
            yield each


def _exceeds_limit(waiting: Iterable[Waiting]) -> bool:
    return sum(each.opened.image.nbytes for each in waiting) > WAITING_BYTES
