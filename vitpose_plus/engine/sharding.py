"""Additions and fixes to mmengine for large models (docs/scale.md, configs/scale/)."""

from collections.abc import Callable

import torch
from mmengine._strategy import FSDPStrategy
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.optim import BaseOptimWrapper
from mmengine.registry import FUNCTIONS, HOOKS, STRATEGIES
from mmengine.runner import FlexibleRunner
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP

from vitpose_plus.checkpoints import check_fit
from vitpose_plus.checkpoints.guard import CheckpointGuardHook
from vitpose_plus.errors import UserError
from vitpose_plus.files import replacing
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.vit import TransformerLayer


@FUNCTIONS.register_module()
def is_transformer_layer(
    module: nn.Module, recurse: bool = False, nonwrapped_numel: int = 0
) -> bool:
    """Whether a module is one unit for sharding and activation checkpointing: a transformer layer.

    The arguments are those of torch's wrap policies, which also call it with ``recurse``.
    """
    return recurse or isinstance(module, TransformerLayer)


@STRATEGIES.register_module()
class ShardedStrategy(FSDPStrategy):
    """mmengine's FSDPStrategy. Each method fixes a fault of version 0.10.7: see its docstring.

    A config chooses it together with ``runner_type='FlexibleRunner'``.
    """

    def _setup_env(self, *, launcher: str | None = None, **kwargs) -> None:
        """Without several processes, torch fails later, with an error far from the cause."""
        if launcher == 'none':
            raise UserError(
                'strategy=ShardedStrategy spreads the model over processes: start it with torchrun '
                'or srun and --launcher (docs/scale.md), or use the parent config on one device.'
            )
        super()._setup_env(launcher=launcher, **kwargs)

    def _wrap_model(self, model: nn.Module) -> FSDP:
        """mmengine passes LOCAL_RANK as the device, which is the number of an accelerator.

        Also, torch gathers all states of Adam in the same buffer, one after the other, and saves
        ``.cpu()`` of it. On the CPU that is the buffer itself, so all states equal the last one.
        """
        if get_device() == 'cpu':
            self.model_wrapper.setdefault('device_id', torch.device('cpu'))
            self.optim_state_dict_config.offload_to_cpu = False
        return super()._wrap_model(model)

    def build_optim_wrapper(self, optim_wrapper: dict, model: nn.Module) -> BaseOptimWrapper:
        """mmengine makes the parameter groups from shards, and clips by the norm of one shard.

        All shards have one dimension, as biases have, so no weight would decay.
        """
        with FSDP.summon_full_params(model, writeback=False):
            wrapper = super().build_optim_wrapper(optim_wrapper, model)
        if wrapper.clip_grad_kwargs and wrapper.grad_name == 'grad_norm':
            wrapper.clip_func = lambda params, **limits: model.clip_grad_norm_(**limits)
        return wrapper

    def optim_state_dict(self) -> dict:
        """mmengine passes the wrapper; torch reads its logging settings as a parameter group."""
        state = self.optim_wrapper.state_dict()
        own, extra = _split(state)
        return FSDP.optim_state_dict(self.model, self.optim_wrapper.optimizer, own) | extra

    def save_checkpoint(self, filename: str, **kwargs) -> None:
        """mmengine writes in place: if the process is killed, the file is incomplete."""
        if not is_main_process():
            super().save_checkpoint(filename, **kwargs)  # gathers what the first process writes
            return
        with replacing(filename) as new:
            super().save_checkpoint(str(new), **kwargs)

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """mmengine passes the arguments in the order of torch 2.0."""
        own, extra = _split(state_dict)
        shard = FSDP.optim_state_dict_to_load(
            optim_state_dict=own, model=self.model, optim=self.optim_wrapper.optimizer
        )
        self.optim_wrapper.load_state_dict(shard | extra)

    def resume(self, filename: str, *, map_location: str | Callable = 'cpu', **kwargs) -> dict:
        """mmengine would read the whole model and the optimiser's state onto every device."""
        return super().resume(filename, map_location='cpu', **kwargs)


def _split(state: dict) -> tuple[dict, dict]:
    """Splits a wrapper's state into that of its optimiser and the values the wrapper adds."""
    extra = {key: value for key, value in state.items() if key not in ('state', 'param_groups')}
    return {key: state[key] for key in ('state', 'param_groups')}, extra


@HOOKS.register_module()
class ShardedCheckpointGuardHook(CheckpointGuardHook):
    """Compares a checkpoint with the complete model, as each process has only a shard of it."""

    def after_load_checkpoint(self, runner: FlexibleRunner, checkpoint: dict) -> None:
        check_fit(checkpoint.get('state_dict', checkpoint), build_on_meta(runner.cfg.model))
