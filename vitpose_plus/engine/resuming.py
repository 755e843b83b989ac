"""A training that is stopped and resumed equals one that was never stopped, to the bit.

Nothing of a generator's state is saved. Every random number follows from the run's seed and from
where it is used: for a sample from its epoch and index, for the model from iteration and rank. So
the result does not depend on the number of workers either.
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

# What a seed is for: no sample shares its random numbers with an iteration.
SAMPLE, ITERATION = 0, 1
# In the message hub: the epoch after which the last validation ran. The hook that saves writes it,
# before the file that holds the score; without it the loop validates again.
VALIDATED = 'epoch_validated'  # a name with val in front would be logged as a metric


@LOOPS.register_module()
class ExactTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop by epochs, which can be left and entered after any iteration.

    mmengine's own begins an epoch anew when it is resumed. While it runs with a hook that heeds
    ``signals`` (``WholeCheckpointHook``, which saves and ends the run), a signal that would end the
    process is only noted.

    Args:
        by_epoch: For configs that have it beside ``max_epochs``; it has no other value here.
        others: mmengine's.
    """

    def __init__(
        self, runner, dataloader: dict, max_epochs: int, by_epoch: bool = True, **others
    ) -> None:
        if not isinstance(dataloader, dict) or dataloader.get('batch_sampler'):
            raise UserError(
                'ExactTrainLoop builds its data loader, and batches of one size: give '
                'train_dataloader as a config without batch_sampler, or take '
                "train_cfg.type='EpochBasedTrainLoop'."
            )
        dataloader = dict(
            dataloader,
            dataset=dict(type='SeededDataset', dataset=dataloader['dataset']),
            sampler=dict(type='ResumableSampler', sampler=dataloader['sampler']),
        )
        super().__init__(runner, dataloader, max_epochs, **others)
        self.signals = Signals()
        # Where the running epoch has begun, and how many samples of this process were used before;
        # None: as many as its iterations had, which is so unless the batch size has changed.
        self.begun = 0
        self.samples_done: int | None = None

    @property
    def sampler(self) -> 'ResumableSampler':
        return self.dataloader.sampler

    def run(self) -> nn.Module:
        """mmengine's, with the validation that a run did not get to before it was stopped."""
        seed = [self.runner.seed]  # a checkpoint's, where the run was resumed
        broadcast_object_list(seed)  # with diff_rank_seed every process has its own
        self.seed = seed[0]
        self.sampler.use_seed(self.seed)
        hub = self.runner.message_hub
        # Checkpoints of mmengine's own hook do not say: they count as validated. And two trainings
        # that begin in the same second share their hub.
        hub.update_info(VALIDATED, hub.get_info(VALIDATED, self._epoch) if self._iter else 0)
        self.signals.hold_workers(self.dataloader)
        if self.runner.val_loop is not None:
            self.signals.hold_workers(self.runner.val_loop.dataloader)
        heeded = any(getattr(hook, 'heeds_signals', False) for hook in self.runner.hooks)
        with self.signals if heeded else nullcontext():
            self.runner.call_hook('before_train')
            self._validate_if_due()
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._validate_if_due()
            self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """The rest of an epoch: after the last iteration, only what follows an epoch."""
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
        """Sets what the epoch has used already, for this process: the iteration to begin with."""
        self.samples_done = samples
        left = (len(self.sampler) - samples) / self.dataloader.batch_size
        rounded = math.floor(left) if self.dataloader.drop_last else math.ceil(left)
        return (epoch + 1) * len(self.dataloader) - rounded

    def samples_used(self, epoch: int, iteration: int) -> int:
        """Those of an epoch that this process has used before an iteration of it."""
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
    """Yields a seed, an epoch and a sample's index, and begins behind what an epoch has used.

    Args:
        dataset: What is sampled.
        sampler: Config of the sampler that orders it, by ``seed`` and ``set_epoch``.
        seed: Of the run.
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
        """Of a whole epoch."""
        return len(self.sampler)


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A dataset whose samples have the same augmentation whichever process prepares them.

    Args:
        dataset: Config of the dataset; all but the samples are its own.
    """

    def __init__(self, dataset: dict) -> None:
        self.dataset = DATASETS.build(dataset)

    def __getitem__(self, key: tuple[int, int, int] | int) -> dict:
        if isinstance(key, int):  # asked for by anything but the loader
            return self.dataset[key]
        seed, epoch, index = key
        seed_generators(SAMPLE, seed, epoch, index)
        return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str):
        # The first is not there yet while it is unpickled; torch would ask the second for batches.
        if name in ('dataset', '__getitems__'):
            raise AttributeError(name)
        return getattr(self.dataset, name)


def seed_generators(*key: int) -> None:
    """Sets the generators of Python, NumPy and torch to what follows from ``key``.

    ``torch.manual_seed`` costs seven times as much: it asks for every kind of accelerator.
    """
    python, numpy, own = np.random.SeedSequence(key).generate_state(3).tolist()
    random.seed(python)
    np.random.seed(numpy)
    torch.default_generator.manual_seed(own)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(own)
