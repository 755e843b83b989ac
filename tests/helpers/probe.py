"""A sampler and a hook that test_distributed.py adds to the processes of a training."""

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import DATA_SAMPLERS, HOOKS

from vitpose_plus.checkpoints.guard import unwrapped


@DATA_SAMPLERS.register_module()
class GivenSampler:
    """Samples given batches: each is a list of datasets, and the first image of each is used.

    Each batch is split into equal parts, one for each process.
    """

    def __init__(self, dataset, batches, seed=None):
        starts = dict(zip(dataset.names, [0, *dataset.cumulative_sizes], strict=False))
        share = len(batches[0]) // get_world_size()
        own = slice(get_rank() * share, (get_rank() + 1) * share)
        self.indices = [starts[name] for batch in batches for name in batch[own]]

    def __iter__(self):
        return iter(self.indices)

    def __len__(self):
        return len(self.indices)


@HOOKS.register_module()
class ProbeHook(Hook):
    """Writes the datasets of a process's batches, and its parameters before and after."""

    def before_train_epoch(self, runner):
        self.before, self.seen = parameters(runner), []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append([sample.dataset_name for sample in data_batch['data_samples']])

    def after_train(self, runner):
        report = dict(seen=self.seen, before=self.before, after=parameters(runner))
        torch.save(report, f'{runner.work_dir}/report_{get_rank()}.pth')


def parameters(runner):
    named = unwrapped(runner.model).named_parameters()
    return {name: p.detach().clone() for name, p in named}
