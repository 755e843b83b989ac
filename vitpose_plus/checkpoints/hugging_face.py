"""The folder that transformers' ``from_pretrained`` loads: weights and a ``config.json``."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from torch import nn

from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError, needing
from vitpose_plus.files import new_folder, replacing

FILES = ('model.safetensors', 'config.json')
NORM_EPS = 1e-12  # transformers' default, if config.json does not set it
DECONV_CHANNELS = 256  # fixed in transformers


def norm_eps(path: str | Path) -> float:
    """The layer norms' eps that transformers would use for the weights in this file or folder."""
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    file = folder / 'config.json'
    try:
        config = json.loads(file.read_text()) if file.is_file() else {}
        return float(config.get('backbone_config', {}).get('layer_norm_eps', NORM_EPS))
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(
            f'{file} is not the config.json of a VitPose ({error}): download it again, or remove '
            'it.'
        ) from error


def refuse_existing(folder: str | Path, force: bool) -> None:
    """Raises a ``UserError`` if the folder contains anything that must not be replaced."""
    folder = Path(folder)
    if folder.is_file():
        raise UserError(f'{folder} is a file: give the name of a folder.')
    if folder.exists() and not force:
        raise UserError(f'{folder} exists: give another name, or replace it with --force.')
    others = {path.name for path in folder.glob('*')} - set(FILES)
    if others:
        raise UserError(
            f'{folder} holds other files than those of a model ({sorted(others)[0]}): give another '
            'name.'
        )


def write(folder: str | Path, state_dict: State, model: nn.Module) -> None:
    """Writes ``model.safetensors`` and ``config.json``, both or neither.

    Args:
        folder: The name of the new folder.
        state_dict: The weights in Hugging Face's layout.
        model: The model of these weights, whose settings go into ``config.json``. It may be on the
            meta device.
    """
    with needing('safetensors', 'hf', folder):
        from safetensors.torch import save_file
    config = config_json(state_dict, model)
    tensors = {name: value.detach().clone().contiguous() for name, value in state_dict.items()}
    with _places(Path(folder)) as (weights, settings):
        save_file(tensors, weights, metadata=dict(format='pt'))
        settings.write_text(json.dumps(config, indent=2) + '\n')


@contextmanager
def _places(folder: Path) -> Iterator[list[Path]]:
    """Yields the two paths to write to; both files are moved into the folder at the end."""
    with ExitStack() as stack:
        if folder.exists():
            yield [stack.enter_context(replacing(folder / name)) for name in FILES]
        else:
            new = stack.enter_context(new_folder(folder))
            yield [new / name for name in FILES]


def config_json(state_dict: State, model: nn.Module) -> dict:
    """The model's settings for transformers; a ``UserError`` if its classes do not support them."""
    backbone, conv = model.backbone, model.backbone.patch_embed
    if conv.kernel_size != conv.stride or conv.padding != (2, 2):
        raise UserError("Hugging Face's patches have a padding of 2 and do not overlap.")
    deconv = state_dict.get('head.deconv1.weight')
    if 'head.conv.bias' not in state_dict:
        raise UserError('Hugging Face has no class for a backbone without a head.')
    if deconv is not None and deconv.shape[1] != DECONV_CHANNELS:
        raise UserError(
            f"Hugging Face's decoder has {DECONV_CHANNELS} channels, but this one has "
            f'{deconv.shape[1]}.'
        )
    grid_hw = backbone.pos_embed.shape[1:3]
    experts = [k for k in state_dict if '.layer.0.mlp.experts.' in k and k.endswith('.bias')]
    part = len(state_dict[experts[0]]) if experts else 0
    keypoints = len(state_dict['head.conv.bias'])
    return dict(
        architectures=['VitPoseForPoseEstimation'],
        model_type='vitpose',
        scale_factor=4,
        use_simple_decoder=deconv is None,
        id2label={str(i): f'LABEL_{i}' for i in range(keypoints)},
        label2id={f'LABEL_{i}': i for i in range(keypoints)},
        backbone_config=dict(
            model_type='vitpose_backbone',
            hidden_size=conv.out_channels,
            num_hidden_layers=len(backbone.layers),
            num_attention_heads=backbone.layers[0].attention.num_heads,
            mlp_ratio=backbone.layers[0].ffn.fc1.out_features // conv.out_channels,
            image_size=[side * step for side, step in zip(grid_hw, conv.stride, strict=True)],
            patch_size=list(conv.kernel_size),
            layer_norm_eps=backbone.norm.eps,
            num_experts=len(experts) or 1,
            part_features=part,
            out_indices=[len(backbone.layers)],
        ),
    )
