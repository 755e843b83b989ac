"""A checkpoint fits the model, or is refused: mmengine alone loads as much of it as fits."""

import warnings

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor, nn

from vitpose_plus.errors import UserError


@HOOKS.register_module()
class CheckpointGuardHook(Hook):
    """Refuses a checkpoint that does not fit the model."""

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_fit(checkpoint.get('state_dict', checkpoint), model)


def check_file(path: str, model: nn.Module) -> None:
    """Raises a ``UserError`` unless ``path`` is a checkpoint of the model, which may be on meta."""
    try:
        # Mapped, not read: only names and shapes are looked at.
        checkpoint = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
    except Exception as error:  # whatever a stranger's file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f'{path} cannot be loaded as a checkpoint ({reason}): give one that mmengine or '
            'torch.save wrote, whole and without code.'
        ) from error
    check_fit(checkpoint.get('state_dict', checkpoint), model)


def check_fit(state_dict: dict[str, Tensor], model: nn.Module) -> None:
    """Raises a ``UserError`` unless names, shapes and the order of heads are the model's."""
    own = model.state_dict()
    complaints = [
        (f'has {k!r} in shape {tuple(v.shape)} where the model has {tuple(own[k].shape)}')
        for k, v in state_dict.items()
        if k in own and own[k].shape != v.shape
    ]
    complaints += [f'lacks {k!r}' for k in own if k not in state_dict]
    complaints += [f'holds {k!r}, which the model has not' for k in state_dict if k not in own]
    if complaints:
        more = f' (and {len(complaints) - 1} more differences)' if len(complaints) > 1 else ''
        raise UserError(
            f'The checkpoint belongs to another model: it {complaints[0]}{more}; '
            'give it with the config it was trained with.'
        )
    if own and next(iter(own.values())).is_meta:
        with warnings.catch_warnings(action='ignore'):  # nothing is copied: only hooks are asked
            model.load_state_dict(state_dict)
