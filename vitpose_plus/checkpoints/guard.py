"""Refuses checkpoints that do not fit the model.

mmengine itself only prints a warning, and loads the tensors that fit.
"""

import re
import warnings
from collections.abc import Iterable

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor, nn

from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.layouts import LAYOUTS, recognised
from vitpose_plus.errors import UserError
from vitpose_plus.models.dataset_names import KEY


@HOOKS.register_module()
class CheckpointGuardHook(Hook):
    """Refuses a checkpoint that does not fit the model."""

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        state_dict, model = checkpoint.get('state_dict', checkpoint), unwrapped(runner.model)
        check_fit(state_dict, model)
        if runner._resume and isinstance(runner.optim_wrapper, OptimWrapper):
            check_groups(checkpoint['optimizer'], runner.optim_wrapper)
            keep_fused(checkpoint['optimizer'], runner.optim_wrapper)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model without a wrapper such as DDP or FSDP."""
    return model.module if is_model_wrapper(model) else model


def check_groups(optimizer: dict, own: OptimWrapper) -> None:
    """Raises a ``UserError`` unless a stored optimiser has the parameter groups of ``own``."""
    given, expected = (
        [len(group['params']) for group in groups]
        for groups in (optimizer['param_groups'], own.optimizer.param_groups)
    )
    if given != expected:
        raise UserError(
            f'The checkpoint has an optimizer of {sum(given)} parameters in {len(given)} groups, '
            f'the config makes one of {sum(expected)} in {len(expected)}: resume with the '
            'paramwise_cfg and the frozen parts that it was trained with, or start from its '
            'weights with --cfg-options load_from=FILE.'
        )


def keep_fused(optimizer: dict, own: OptimWrapper) -> None:
    """Changes ``fused`` in the groups of a stored optimiser to the value of ``own``.

    A checkpoint of an earlier version has groups that are not fused. A loss scaler would fail with
    them, as it expects the optimiser of the config.
    """
    groups = zip(optimizer['param_groups'], own.optimizer.param_groups, strict=True)
    for stored, group in groups:
        if 'fused' in group:
            stored['fused'] = group['fused']


def check_file(path: str, model: nn.Module) -> None:
    """Raises a ``UserError`` unless ``path`` is a checkpoint of the model, which may be on meta."""
    check_fit(reading.read(path), model, path)


def check_fit(
    state_dict: dict[str, Tensor],
    model: nn.Module,
    path: str = 'The checkpoint',
    hint: str = 'give it with the config it was trained with',
) -> None:
    """Raises a ``UserError`` unless names, shapes, kinds of numbers and the order of heads are
    those of the model. If a command can make the weights fit, the message names this command."""
    if complaints := differences(state_dict, model):
        check_layout(state_dict, path)
        _check_split(state_dict, model, path)
        more = f' (and {len(complaints) - 1} more differences)' if len(complaints) > 1 else ''
        raise UserError(f'{path} belongs to another model: it {complaints[0]}{more}; {hint}.')
    check_kinds(state_dict, model, path)
    if next(iter(model.state_dict().values())).is_meta:
        with warnings.catch_warnings(action='ignore'):  # copies nothing: only runs the load hooks
            model.load_state_dict(state_dict, strict=False)  # names are compared above


def check_layout(state_dict: dict[str, Tensor], path: str) -> None:
    """Raises a ``UserError`` if the layout is not ours, with the command that converts it."""
    foreign = [name for name in recognised(state_dict) if name != 'vitpose_plus']
    if foreign:
        raise UserError(
            f'{path} is in {LAYOUTS[foreign[0]].title}: convert it once with python -m '
            f'vitpose_plus convert IN OUT --source {foreign[0]}, and give OUT.'
        )


def _check_split(state_dict: dict[str, Tensor], model: nn.Module, path: str) -> None:
    """Raises a ``UserError`` that suggests ``split``, if the weights are for several datasets but
    the model is plain."""
    own = model.state_dict()
    parts = {name.split('.')[0] for name in own}
    plain = parts <= {'backbone', 'head'} and not _has_several_datasets(own)
    width = 'backbone.norm.weight'
    equal = width in own and width in state_dict and own[width].shape == state_dict[width].shape
    if plain and equal and _has_several_datasets(state_dict):
        raise UserError(
            f'{path} is for a model of several datasets, but this model is plain: take one '
            'dataset out of it with python -m vitpose_plus split IN DATASET OUT --config CONFIG '
            '(the config of IN), and give OUT.'
        )


def _has_several_datasets(names: Iterable[str]) -> bool:
    """Whether these names of tensors, in our layout, contain experts or a head per dataset."""
    return any(re.match(r'head\.heads\.|backbone\.layers\..*experts\.', name) for name in names)


def differences(state_dict: dict[str, Tensor], model: nn.Module) -> list[str]:
    """The differences between a checkpoint and a model, as phrases."""
    own = model.state_dict()
    names = {k for k in own if k.split('.')[-1] == KEY}  # not in older files; compared by loading
    complaints = [
        f'has {k!r} in shape {tuple(v.shape)} where the model has {tuple(own[k].shape)}'
        for k, v in state_dict.items()
        if k in own and k not in names and own[k].shape != v.shape and not _resizable(k, v, own[k])
    ]
    missing = [k for k in own if k not in state_dict and k not in names]
    complaints += [f'lacks {k!r}' for k in missing if k not in getattr(model, 'starts_without', ())]
    complaints += [f'has {k!r}, which the model does not have' for k in state_dict if k not in own]
    return complaints


def check_kinds(state_dict: dict[str, Tensor], model: nn.Module, path: str) -> None:
    """Raises a ``UserError`` if weights are integers, or counters are not whole numbers.

    Other precisions are allowed, and so are counters in floating point.
    """
    own = {k: v for k, v in model.state_dict().items() if k.split('.')[-1] != KEY}
    wrong = [
        f'{k!r} in {reading.dtype_of(v)} where the model has {reading.dtype_of(own[k])}'
        for k, v in state_dict.items()
        if k in own
        and v.is_floating_point() != own[k].is_floating_point()
        and not (v.is_floating_point() and (v.is_meta or v.double().equal(v.double().round())))
    ]
    if wrong:
        more = f' (and {len(wrong) - 1} more such tensors)' if len(wrong) > 1 else ''
        raise UserError(f'{path} has {wrong[0]}{more}: give the file from before this conversion.')


def _resizable(name: str, given: Tensor, own: Tensor) -> bool:
    """Whether a tensor of another shape is made to fit when it is loaded.

    These are position tables, also of relative positions, and ViTAE's smaller kernels.
    """
    if '.convolution.' in name:
        return given.shape[:2] == own.shape[:2] and given.numel() < own.numel()
    kinds = {'pos_embed': 4, 'pos_embed_h': 2, 'pos_embed_w': 2}
    return kinds.get(name.split('.')[-1]) == given.ndim and given.shape[-1] == own.shape[-1]
