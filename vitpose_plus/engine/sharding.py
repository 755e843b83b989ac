"""What large models need and mmengine lacks, or has wrong (docs/scale.md, configs/scale/)."""

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
    """What is sharded, and checkpointed, as a whole; its signature is a wrap policy's."""
    return recurse or isinstance(module, TransformerLayer)


@STRATEGIES.register_module()
class ShardedStrategy(FSDPStrategy):
    """mmengine's FSDPStrategy; every method says what of version 0.10.7's it puts right.

    A config chooses it together with ``runner_type='FlexibleRunner'``.
    """

    def _setup_env(self, *, launcher: str | None = None, **kwargs) -> None:
        """Without processes to shard over, torch fails far away from the cause."""
        if launcher == 'none':
            raise UserError(
                'strategy=ShardedStrategy spreads the model over processes: start it with torchrun '
                'or srun and --launcher (docs/scale.md), or use the parent config on one device.'
            )
        super()._setup_env(launcher=launcher, **kwargs)

    def _wrap_model(self, model: nn.Module) -> FSDP:
        """It passes LOCAL_RANK as the device, which is an accelerator's number.

        And torch gathers one state of Adam after the other in the same buffer, of which it saves
        ``.cpu()``: on the CPU that is the buffer itself, and all states were the last one.
        """
        if get_device() == 'cpu':
            self.model_wrapper.setdefault('device_id', torch.device('cpu'))
            self.optim_state_dict_config.offload_to_cpu = False
        return super()._wrap_model(model)

    def build_optim_wrapper(self, optim_wrapper: dict, model: nn.Module) -> BaseOptimWrapper:
        """It groups shards, which all have one dimension: no weight would decay. It also clips by
        the norm of a process's own shard."""
        with FSDP.summon_full_params(model, writeback=False):
            wrapper = super().build_optim_wrapper(optim_wrapper, model)
        if wrapper.clip_grad_kwargs and wrapper.grad_name == 'grad_norm':
            wrapper.clip_func = lambda params, **limits: model.clip_grad_norm_(**limits)
        return wrapper

    def optim_state_dict(self) -> dict:
        """It passes the wrapper, whose settings for logging torch takes for a parameter group."""
        state = self.optim_wrapper.state_dict()
        own, extra = _split(state)
        return FSDP.optim_state_dict(self.model, self.optim_wrapper.optimizer, own) | extra

    def save_checkpoint(self, filename: str, **kwargs) -> None:
        """It writes in place: a process that is killed meanwhile leaves half a file."""
        if not is_main_process():
            super().save_checkpoint(filename, **kwargs)  # gathers what the first process writes
            return
        with replacing(filename) as new:
            super().save_checkpoint(str(new), **kwargs)

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """It has the arguments in the order of torch 2.0."""
        own, extra = _split(state_dict)
        shard = FSDP.optim_state_dict_to_load(
            optim_state_dict=own, model=self.model, optim=self.optim_wrapper.optimizer
        )
        self.optim_wrapper.load_state_dict(shard | extra)

    def resume(self, filename: str, *, map_location: str | Callable = 'cpu', **kwargs) -> dict:
        """It would read the whole model with its optimiser onto every device."""
        return super().resume(filename, map_location='cpu', **kwargs)


def _split(state: dict) -> tuple[dict, dict]:
    """An optimiser wrapper's state: what is the optimiser's, and what the wrapper adds."""
    extra = {key: value for key, value in state.items() if key not in ('state', 'param_groups')}
    return {key: state[key] for key in ('state', 'param_groups')}, extra


@HOOKS.register_module()
class ShardedCheckpointGuardHook(CheckpointGuardHook):
    """Compares a checkpoint with the whole model, of which a process holds only a shard."""

    def after_load_checkpoint(self, runner: FlexibleRunner, checkpoint: dict) -> None:
        check_fit(checkpoint.get('state_dict', checkpoint), build_on_meta(runner.cfg.model))
