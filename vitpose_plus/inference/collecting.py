"""Predicts a collection of pictures and films into a folder, and resumes an earlier run."""

import signal
import sys
from collections.abc import Callable, Iterator

from vitpose_plus.engine.signals import Signals, exit_code
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.folder import FAILURES, PredictionFolder
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.journals import Journal
from vitpose_plus.inference.prediction import Prediction
from vitpose_plus.inference.processes import Processes
from vitpose_plus.inference.progress import PredictionProgress
from vitpose_plus.inference.remaining import Remaining
from vitpose_plus.inference.results import Result

GOOD, BROKEN = 0, 3  # exit codes; 3: some pictures could not be predicted


class Stopped(Exception):
    """A signal has arrived."""


class Collection:
    """A collection that this process predicts, alone or together with other processes.

    Args:
        prediction: Predicts the pictures.
        folder: The folder of the predictions.
        drawings: Draws the pictures and films.
        stages: Tracks and smooths a stream of results.
        processes: The processes that share the collection.
        progress: Shows the progress.
    """

    def __init__(
        self,
        prediction: Prediction,
        folder: PredictionFolder,
        drawings: Drawings,
        stages: Callable[[Iterator[Result]], Iterator[Result]],
        processes: Processes,
        progress: PredictionProgress,
    ) -> None:
        self.prediction, self.folder, self.drawings = prediction, folder, drawings
        self.stages, self.processes, self.progress = stages, processes, progress
        self.signals = Signals()
        self.known = 0  # pictures that earlier runs have predicted

    def run(self, force: bool = False) -> int:
        """Predicts all pictures that remain, and returns the exit code.

        Args:
            force: Whether existing predictions are removed first.

        Raises:
            UserError: The folder contains other predictions, or cannot be written.
            RunError: The disk is full, or the network predicts numbers that are not finite.
        """
        self.processes.check(self.prediction.sources)
        number = self.processes.agree(lambda: self.folder.begin(force))
        if number is None:
            return self._report('predicted already, --force predicts again')
        with self.signals, self.progress:
            try:
                self._predict(number)
                self._wait()
            except Stopped:
                return self._report_stop()
            finally:
                self.processes.leave()
        if self.processes.is_first:
            self.folder.finish(self.stages)
        return self._report(self.progress.speed)

    def _predict(self, number: int) -> None:
        earlier = self.folder.earlier(number)
        remaining = Remaining(
            self.prediction.sources,
            earlier,
            self.processes,
            self.drawings.has,
            self._is_interrupted,
        )
        self.known = remaining.pictures
        self._count()
        path = self.folder.journal_path(number, self.processes.number)
        with Journal(path, self.prediction.skeletons, self._note) as journal, self.drawings:
            items = self.prediction.settle(self._until_signal(remaining))
            for result in self.stages(journal.record(items)):
                self.drawings.add(result)

    def _until_signal(self, items: Iterator[Item]) -> Iterator[Item]:
        for item in items:
            self._check_signal()
            yield item

    def _is_interrupted(self) -> bool:
        """Whether Ctrl-C has arrived, which then counts as handled."""
        if self.signals.received != signal.SIGINT:
            return False
        self.signals.received = 0
        return True

    def _check_signal(self) -> None:
        if self.signals.received:
            raise Stopped

    def _wait(self) -> None:
        """Waits until all processes have predicted their pictures."""
        self._check_signal()  # it may have arrived after the last picture was read
        for _ in self.processes.wait():
            self._check_signal()
            self._count()

    def _note(self, item: Item) -> None:
        """Shows an item that is new in the journal."""
        if item.failure:
            self.progress.show(item.failure.error)
        self._count(1, len(item.instances or ()))

    def _count(self, pictures: int = 0, instances: int = 0) -> None:
        self.progress.update(
            self.known,
            self.processes.count('pictures', pictures),
            self.processes.count('instances', instances),
        )

    def _report(self, note: str) -> int:
        """Prints the result of a complete run in the first process, and returns the exit code."""
        if not self.processes.is_first:
            return GOOD
        folder, counts = self.folder.folder, self.folder.manifest
        broken = counts['errors']
        done = f'{counts["pictures"]} pictures, {counts["instances"]} instances ({note})'
        print(f'{folder}: {done}{f"; failures: {broken} ({folder / FAILURES})" if broken else ""}')
        if jumps := counts.get('jumps'):  # missing in folders of earlier versions
            print(
                f'Keypoints that jump against their neighbours: {jumps} (frames: '
                f'{counts["frames_with_jumps"]}); they are marked in the results'
            )
        return BROKEN if broken else GOOD

    def _report_stop(self) -> int:
        name = signal.Signals(self.signals.received).name
        if self.processes.is_first:
            print(
                f'stopped by {name} after {self.progress.sentence}: run the same command, without '
                '--force, to resume',
                file=sys.stderr,
            )
        return exit_code(self.signals.received)
