"""Makes a training that is stopped and resumed bit-equal to one that was never stopped.

The state of random generators is not saved. Every random number is computed from the run's seed and
from the place of its use: the epoch and index of a sample, or the iteration and rank for the model.
So the number of workers does not change the result either.
"""

import math
import random
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.registry import DATA_SAMPLERS, DATASETS, LOOPS
from mmengine.runner import EpochBasedTrainLoop
from torch import nn
from torch.utils.data import Dataset, Sampler

from vitpose_plus.engine.signals import Signals
from vitpose_plus.errors import UserError

# Parts of a seed, so that samples and iterations have different random numbers.
SAMPLE, ITERATION = 0, 1
# Key in the message hub: the epoch after which the last validation ran. The hook that saves sets it
# before it writes the file with the score. Otherwise a resumed run would validate again.
VALIDATED = 'epoch_validated'  # names that begin with val are logged as metrics


@LOOPS.register_module()
class ExactTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop by epochs, which can be stopped and resumed after any iteration.

    When mmengine's own loop is resumed, it starts the epoch again. If a hook handles ``signals``
    (``WholeCheckpointHook``, which saves and ends the run), this loop only notes a signal that
    would end the process.

    Args:
        by_epoch: Not used; it is accepted because configs have it beside ``max_epochs``.
        others: Arguments of mmengine's loop.
    """

    def __init__(
        self, runner, dataloader: dict, max_epochs: int, by_epoch: bool = True, **others
    ) -> None:
        if not isinstance(dataloader, dict) or dataloader.get('batch_sampler'):
            raise UserError(
                'ExactTrainLoop builds its own data loader, with batches of one size: give '
                'train_dataloader as a config without batch_sampler, or use '
                "train_cfg.type='EpochBasedTrainLoop'."
            )
        dataloader = dict(
            dataloader,
            dataset=dict(type='SeededDataset', dataset=dataloader['dataset']),
            sampler=dict(type='ResumableSampler', sampler=dataloader['sampler']),
        )
        super().__init__(runner, dataloader, max_epochs, **others)
        self.signals = Signals()
        # The iteration at which this run began the epoch, and the samples that this process used
        # before. None: computed from the iterations, as the batch size has not changed.
        self.begun = 0
        self.samples_done: int | None = None

    @property
    def sampler(self) -> 'ResumableSampler':
        return self.dataloader.sampler

    def run(self) -> nn.Module:
        """Runs all epochs, and first a validation that was due when an earlier run was stopped."""
        seed = [self.runner.seed]  # of the checkpoint, if the run is resumed
        broadcast_object_list(seed)  # with diff_rank_seed every process has its own seed
        self.seed = seed[0]
        self.sampler.use_seed(self.seed)
        hub = self.runner.message_hub
        # Checkpoints of mmengine's own hook do not have this key: they count as validated. A new
        # training sets it to 0: two trainings that begin in the same second share their hub.
        hub.update_info(VALIDATED, hub.get_info(VALIDATED, self._epoch) if self._iter else 0)
        self.signals.hold_workers(self.dataloader)
        if self.runner.val_loop is not None:
            self.signals.hold_workers(self.runner.val_loop.dataloader)
        handled = any(getattr(hook, 'handles_signals', False) for hook in self.runner.hooks)
        with self.signals if handled else nullcontext():
            self.runner.call_hook('before_train')
            self._validate_if_due()
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._validate_if_due()
            self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Runs the iterations of the epoch that are left, and the hooks after the epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.dataloader)
        samples = done * self.dataloader.batch_size
        self.sampler.skip = samples if self.samples_done is None else self.samples_done
        self.sampler.set_epoch(self._epoch)
        self.begun = self._iter
        for index, batch in enumerate(self.dataloader, start=done):
            self.run_iter(index, batch)
        self.samples_done = None
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def begin_at(self, epoch: int, samples: int) -> int:
        """Sets the samples that this process has used, and returns the iteration to begin with."""
        self.samples_done = samples
        left = (len(self.sampler) - samples) / self.dataloader.batch_size
        rounded = math.floor(left) if self.dataloader.drop_last else math.ceil(left)
        return (epoch + 1) * len(self.dataloader) - rounded

    def samples_used(self, epoch: int, iteration: int) -> int:
        """The number of samples of an epoch that this process has used before an iteration."""
        if iteration <= epoch * len(self.dataloader):
            return 0
        used = self.sampler.skip + (iteration - self.begun) * self.dataloader.batch_size
        return min(used, len(self.sampler))

    def run_iter(self, idx: int, data_batch: dict) -> None:
        seed_generators(ITERATION, self.seed, self._iter, get_rank())
        super().run_iter(idx, data_batch)

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        validated = self.runner.message_hub.get_info(VALIDATED)
        if self.runner.val_loop is None or self._epoch < self.val_begin or self._epoch == validated:
            return
        if self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs:
            self.runner.val_loop.run()


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler):
    """Yields seed, epoch and index of every sample, after the samples that are used already.

    Args:
        dataset: The dataset to sample.
        sampler: Config of the sampler that sets the order, by ``seed`` and ``set_epoch``.
        seed: The seed of the run.
    """

    def __init__(self, dataset: Dataset, sampler: dict, seed: int | None = None) -> None:
        self.has_own_seed = sampler.get('seed') is not None
        self.sampler = DATA_SAMPLERS.build(sampler, default_args=dict(dataset=dataset, seed=seed))
        self.seed, self.epoch, self.skip = seed, 0, 0

    def use_seed(self, seed: int) -> None:
        self.seed = seed
        if hasattr(self.sampler, 'seed') and not self.has_own_seed:
            self.sampler.seed = seed

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        for index in islice(self.sampler, self.skip, None):
            yield self.seed, self.epoch, index

    def __len__(self) -> int:
        """The number of samples of a complete epoch."""
        return len(self.sampler)


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A dataset whose augmentation does not depend on the process that prepares a sample.

    Args:
        dataset: Config of the dataset. Its attributes are also those of this dataset.
    """

    def __init__(self, dataset: dict) -> None:
        self.dataset = DATASETS.build(dataset)

    def __getitem__(self, key: tuple[int, int, int] | int) -> dict:
        if isinstance(key, int):  # a plain index, not from the loader
            return self.dataset[key]
        seed, epoch, index = key
        seed_generators(SAMPLE, seed, epoch, index)
        return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str):
        # ``dataset`` is not set during unpickling. torch would get batches by ``__getitems__``.
        if name in ('dataset', '__getitems__'):
            raise AttributeError(name)
        return getattr(self.dataset, name)


def seed_generators(*key: int) -> None:
    """Seeds the generators of Python, NumPy and torch from ``key``.

    ``torch.manual_seed`` takes seven times as long: it checks for every kind of accelerator.
    """
    python, numpy, own = np.random.SeedSequence(key).generate_state(3).tolist()
    random.seed(python)
    np.random.seed(numpy)
    torch.default_generator.manual_seed(own)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(own)
