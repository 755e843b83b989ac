from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from vitpose_plus.errors import UserError


@HOOKS.register_module()
class CheckpointGuardHook(Hook):
    """Refuses a checkpoint that does not fit the model, which mmengine loads as far as it fits."""

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_fit(checkpoint.get('state_dict', checkpoint), model)


def check_fit(state_dict: dict, model: nn.Module) -> None:
    """Raises a ``UserError`` unless names and shapes are exactly those of the model."""
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
            f'The checkpoint belongs to another model: it {complaints[0]}{more}; give it with the '
            'config it was trained with, or start only the backbone from it with model.backbone.'
            "init_cfg=dict(type='Pretrained', prefix='backbone.', checkpoint=...)."
        )
