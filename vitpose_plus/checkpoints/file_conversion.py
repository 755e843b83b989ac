"""A checkpoint file of any layout into one of any other: what ``convert`` does, and says."""

import torch
from mmengine.config import Config
from torch import nn

from vitpose_plus import files
from vitpose_plus.checkpoints import hugging_face, reading, writing
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.checkpoints.layouts.layout import State, UnknownKeysError, shortened
from vitpose_plus.checkpoints.matching import counterpart, fitting_configs
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.dataset_names import KEY
from vitpose_plus.models.positions import resize_table


def convert_file(
    path: str,
    out: str,
    source: str | None = None,
    target: str = 'vitpose_plus',
    config: str | None = None,
    dataset: str | None = None,
    force: bool = False,
) -> None:
    """Translates a file strictly, and prints what it was, what is left out, and what it fits.

    Args:
        path: A file, or a folder of Hugging Face.
        out: The file to write; for the target ``hf`` the name of a folder.
        source: The layout of ``path``, by default told by its keys.
        target: The layout of ``out``.
        config: The config of the model that is written.
        dataset: Take the plain model of this dataset alone.
        force: Whether ``out`` may be replaced.
    """
    guard = hugging_face if target == 'hf' else files
    guard.refuse_existing(out, force)
    if target == 'hf' and not config:
        raise UserError("--target hf wants the model's --config, which its config.json is made of.")
    cfg = read_config(config) if config else None
    with files.about(config or ''):
        model = cfg and build_on_meta(cfg.model)
    given = reading.read(path)
    with files.about(path):
        state, source = _translate(path, given, source, model)
        if dataset:
            state = keep_dataset(state, dataset)
        state = _fit(state, cfg, model)
        eps = hugging_face.norm_eps(path) if source == 'hf' else None
        _write(out, target, state, model)
    print(f'Written: {out}, {LAYOUTS[target].title}.')
    if eps is not None:
        print(
            f'Hugging Face runs it with a LayerNorm eps of {eps:g}: for the same numbers to the '
            f'last digit, --cfg-options model.backbone.norm_eps={eps:g}.'
        )


def _translate(
    path: str, given: State, source: str | None, model: nn.Module | None
) -> tuple[State, str]:
    """The weights in our layout, and the one they came in; says what is left out."""
    try:
        state, source, dropped = convert(given, source, model=model)
    except UnknownKeysError as error:
        fits = fitting_configs(error.rest)
        raise UserError(f'{error} Without that it fits {fits}: take it out.') from error
    check_numbers(state)
    h, w = state['backbone.pos_embed'].shape[1:3]
    print(f'{path}: {LAYOUTS[source].title}, {len(given)} tensors, positions {h}x{w}.')
    for reason, keys in dropped.items():
        print(f'Not taken over: {shortened(keys)} ({reason}).')
    return state, source


def _fit(state: State, cfg: Config | None, model: nn.Module | None) -> State:
    """The state dict, after making sure that it is the config's; or says whose it is."""
    if cfg is None:
        print(f'By its shapes it fits {fitting_configs(state)}.')
        return state
    if not has_head(state):
        state = _start(state, cfg, model)
    try:
        check_fit(state, counterpart(model, state), 'It')
    except UserError as error:
        raise UserError(
            f'{str(error).rstrip(".")} (by its shapes it fits {fitting_configs(state)}).'
        ) from error
    return state


def _start(state: State, cfg: Config, model: nn.Module) -> State:
    """An encoder with whatever the model has beyond it, as it is when a training starts."""
    own = model.state_dict()
    lacking = {
        part: [key for key in own if part in key and not any(part in given for given in state)]
        for part in ('.rel_pos.', 'experts.')
    }
    if tables := lacking['.rel_pos.']:
        print('Relative positions start at zero, which adds nothing yet.')
        state = state | {key: torch.zeros(own[key].shape) for key in tables}
    if lacking['experts.']:
        print('Every dataset starts from the same plain FFN.')
        state = expand(state, cfg)
    return state


def _write(path: str, target: str, state: State, model: nn.Module | None) -> None:
    if target != 'vitpose_plus' and model is not None:
        kinds = {type(layer.attention).__name__ for layer in model.backbone.layers}
        if odd := sorted(kinds - {FullAttention.__name__}):
            raise UserError(
                f'The model has {", ".join(odd)}, which {LAYOUTS[target].title} does not say: '
                'its weights would run as full attention there, so stay with ours.'
            )
        # Elsewhere tables are not resized.
        grid_hw = model.backbone.pos_embed.shape[1:3]
        state['backbone.pos_embed'] = resize_table(state['backbone.pos_embed'], grid_hw)
    state = LAYOUTS[target].write(state)
    if target == 'hf':
        hugging_face.write(path, state, model)
    else:
        writing.write(path, state)


def check_numbers(state: State) -> None:
    """Raises a ``UserError`` where weights are integers, of which no model could be made."""
    counts = (KEY, 'num_batches_tracked')
    odd = [k for k, v in state.items() if not v.is_floating_point() and not k.endswith(counts)]
    if odd:
        raise UserError(
            f'It has {shortened(odd)} in {reading.dtype_of(state[odd[0]])}, where models have '
            'floating point: give the file before it was cast.'
        )
