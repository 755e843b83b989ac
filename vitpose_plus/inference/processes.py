"""The processes that predict one collection together: one process, or those of a launcher."""

import os
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from mmengine.dist import barrier, broadcast_object_list, get_rank, get_world_size, init_dist
from torch.distributed import DistError, TCPStore

from vitpose_plus.engine import launchers
from vitpose_plus.errors import RunError, UserError, reason
from vitpose_plus.inference.sources import Sources

Value = TypeVar('Value')
POLL_SECONDS = 0.2


class Processes(ABC):
    """The processes that predict one collection together, and the place of this one among them.

    Attributes:
        number: The number of this process, from 0.
        are_several: Whether there are other processes.
    """

    number: int
    are_several = False

    @property
    def is_first(self) -> bool:
        return self.number == 0

    @abstractmethod
    def agree(self, decide: Callable[[], Value]) -> Value:
        """Calls a function in the first process, and returns its value or error in all of them."""

    @abstractmethod
    def check(self, sources: Sources) -> None:
        """Checks that all processes see the same pictures.

        Raises:
            UserError: This process sees other pictures than the first one.
        """

    @abstractmethod
    def claims(self, number: int) -> bool:
        """Whether this process predicts the entry of this number.

        Exactly one process claims an entry. The numbers must increase from call to call.
        """

    @abstractmethod
    def count(self, name: str, amount: int) -> int:
        """Adds to a sum of this name, and returns the sum over all processes."""

    @abstractmethod
    def wait(self) -> Iterator[None]:
        """In the first process: yields until all processes have come to this point.

        Raises:
            RunError: A process has left before.
        """

    @abstractmethod
    def leave(self) -> None:
        """Notes that this process ends, also after an error; then the first one does not wait."""


class OneProcess(Processes):
    """A process that predicts alone."""

    number = 0

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()

    def agree(self, decide: Callable[[], Value]) -> Value:
        return decide()

    def check(self, sources: Sources) -> None:
        pass

    def claims(self, number: int) -> bool:
        return True

    def count(self, name: str, amount: int) -> int:
        self._sums[name] += amount
        return self._sums[name]

    def wait(self) -> Iterator[None]:
        yield from ()

    def leave(self) -> None:
        pass


class LaunchedProcesses(Processes):
    """The processes of torchrun, srun or mpirun, which can be on several machines.

    A store in the first process counts for all of them. Each process takes the next entry that no
    other process has, so all finish at nearly the same time.

    Args:
        launcher: ``pytorch``, ``slurm`` or ``mpi``.

    Raises:
        UserError: The launcher has not started this process, or the processes cannot connect.
    """

    are_several = True

    def __init__(self, launcher: str) -> None:
        launchers.check(launcher)
        try:
            init_dist(launcher, backend='gloo')
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f'The processes of --launcher {launcher} cannot connect ({reason(error)}): check '
                'the addresses, and give each process a GPU of its own.'
            ) from error
        self.number = get_rank()
        self._store = self._connect()
        self._claimed = -1

    def _connect(self) -> TCPStore:
        host = os.environ['MASTER_ADDR']
        # Port 0 is any free port.
        first = TCPStore(host, 0, is_master=True, wait_for_workers=False) if self.is_first else None
        port = self.agree(lambda: first.port)
        store = first or TCPStore(host, port)
        barrier()  # the first process may end now, but not before all are connected
        return store

    def agree(self, decide: Callable[[], Value]) -> Value:
        decided: list[Any] = [None, None]
        if self.is_first:
            try:
                decided[0] = decide()
            except (UserError, RunError) as error:
                decided[1] = error
        broadcast_object_list(decided)
        barrier()  # the first process may end now, but not before all have the answer
        if decided[1] is not None:
            raise decided[1]
        return decided[0]

    def check(self, sources: Sources) -> None:
        if sources.digest != self.agree(lambda: sources.digest):
            raise UserError(
                f'Process {self.number} sees other pictures than the first process: give sources '
                'on a disk that all machines share.'
            )

    def claims(self, number: int) -> bool:
        while self._claimed < number:
            self._claimed = self.count('claimed', 1) - 1
        return self._claimed == number

    def count(self, name: str, amount: int) -> int:
        try:
            return self._store.add(name, amount)
        except DistError as error:
            raise RunError(
                'The first process has ended, so this one ends, too: run the same command, without '
                '--force, to resume.'
            ) from error

    def wait(self) -> Iterator[None]:
        self.count('finished', 1)
        while self.is_first:
            left = self.count('left', 0)  # counted first: a process finishes, and then leaves
            others = self.count('finished', 0) - 1
            if others == get_world_size() - 1:
                return
            if left > others:
                raise RunError(
                    'A process has ended before all its pictures were predicted: run the same '
                    'command, without --force, to resume.'
                )
            time.sleep(POLL_SECONDS)
            yield

    def leave(self) -> None:
        with suppress(DistError):  # the first process has ended already
            self._store.add('left', 1)


def started_by(launcher: str) -> Processes:
    """Returns the processes of a launcher; ``none`` is one process."""
    return OneProcess() if launcher == 'none' else LaunchedProcesses(launcher)
