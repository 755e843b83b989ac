"""Leaves out steps with numbers that are not finite; ends a run with too many of them in a row."""

import torch
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim import Optimizer

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.errors import RunError


@HOOKS.register_module()
class FiniteStepsHook(Hook):
    """Leaves out a step if its losses or gradients are not finite, and names its pictures.

    The gradients of this step are removed, and batch norm's statistics are set back to their
    values before the step. So a broken picture changes nothing. Gradients that overflow in float16
    do not count: the loss scaler handles them.

    Args:
        patience: The run ends after this number of left-out steps in a row.
    """

    priority = 'VERY_HIGH'  # before the hooks that average weights or save them

    def __init__(self, patience: int = 10) -> None:
        self.patience = patience
        self.wrapper: OptimWrapper | None = None
        self.left_out = 0  # the number of steps in a row that are left out
        self.batches: list[Batch] = []  # the batches of the current step
        self.finite: bool | None = None  # None before the step, or if a loss scaler left it out

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.optim_wrapper, OptimWrapper):
            runner.logger.warning('FiniteStepsHook does not check the steps of several optimisers.')
            return
        model, self.wrapper = unwrapped(runner.model), runner.optim_wrapper
        self.buffers = list(model.buffers())
        self.kept = [each.clone() for each in self.buffers]
        model.register_forward_hook(self._note_losses)
        self.wrapper.optimizer.register_step_pre_hook(self._check)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        if self.wrapper is None:
            return
        if not self.batches:
            self.finite = None
            for kept, buffer in zip(self.kept, self.buffers, strict=True):
                kept.copy_(buffer)
        self.batches.append(Batch(data_batch))

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        if self.wrapper is None or not self.wrapper.should_update():
            return  # gradients of more batches are accumulated first
        if self.finite is None and not self._agreed(torch.tensor(True)):
            self.finite = False  # a loss scaler left the step out, and a loss is not finite
            self._restore()
        if self.finite is False:
            self._leave_out(runner)
        elif self.finite:
            self.left_out = 0
        self.batches = []

    def _note_losses(self, model: nn.Module, args: tuple, losses: dict | list) -> None:
        """Stores whether the losses are finite.

        This does not wait for the device. The step waits for it anyway, for the gradients' norm.
        """
        if isinstance(losses, dict) and self.batches:
            parts = [part for name, part in losses.items() if 'loss' in name]  # mmengine's rule
            values = [v for part in parts for v in (part if _several(part) else [part])]
            self.batches[-1].finite = torch.stack([_finite(value) for value in values]).all()

    def _check(self, optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
        """Removes all gradients before a step, if a number in any process is not finite.

        A loss scaler calls a fused optimiser even for a step that it leaves out: the optimiser
        reads ``found_inf`` and changes nothing. This is no step.
        """
        overflows = getattr(optimizer, 'found_inf', None)
        if overflows is not None and overflows.item():
            return
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        self.finite = self._agreed(self._gradients_finite(parameters))
        if not self.finite:
            optimizer.zero_grad(set_to_none=True)
            self._restore()

    def _agreed(self, finite: Tensor) -> bool:
        """Whether ``finite`` is true and the step's losses are finite, in every process."""
        agreed = finite.int()
        for batch in self.batches:
            agreed = agreed * batch.finite.to(agreed.device)
        all_reduce(agreed, 'min')
        return bool(agreed)

    def _restore(self) -> None:
        """Sets batch norm's statistics back to their values before the step."""
        for buffer, kept in zip(self.buffers, self.kept, strict=True):
            buffer.copy_(kept)

    def _gradients_finite(self, parameters: list[nn.Parameter]) -> Tensor:
        if self.wrapper.clip_grad_kwargs and self.wrapper.grad_name == 'grad_norm':  # just computed
            norm = self.wrapper.message_hub.get_scalar('train/grad_norm').current()
            return torch.tensor(norm).isfinite()
        norms = [p.grad.norm() for p in parameters if p.grad is not None]
        return torch.stack(norms).sum().isfinite() if norms else torch.tensor(True)

    def _leave_out(self, runner: Runner) -> None:
        self.left_out += 1
        names = [name for batch in self.batches if not batch.finite for name in batch.pictures()]
        others = [name for batch in self.batches for name in batch.pictures()]
        gathered = all_gather_object((names, others))
        names = [n for broken, _ in gathered for n in broken] or [n for _, o in gathered for n in o]
        runner.logger.warning(
            f'The loss or the gradient of iteration {runner.iter + 1} is not a finite number: its '
            f'step is left out; its pictures: {", ".join(names)}.'
        )
        if self.left_out >= self.patience:
            raise RunError(
                f'{self.left_out} steps in a row, the last in iteration {runner.iter + 1}, had a '
                'loss or gradient that is not finite: lower the learning rate, or look at the '
                'pictures that the log names, and continue with --resume.'
            )


class Batch:
    """The pictures of a batch, and whether its losses are finite (a tensor with one value)."""

    def __init__(self, data_batch: dict | None) -> None:
        self.samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
        self.finite = torch.tensor(True)

    def pictures(self) -> list[str]:
        return [str(sample.metainfo.get('img_path', 'unknown')) for sample in self.samples]


def _several(losses: Tensor | list) -> bool:
    return isinstance(losses, list | tuple)


def _finite(loss: Tensor) -> Tensor:
    return loss.detach().isfinite().all()
