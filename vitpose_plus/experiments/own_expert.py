"""The function that the config of a folder of ``vitpose new-dataset --expert-of`` calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from torch import nn

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import CONFIGS, read_config
from vitpose_plus.experiments.configs import changed, find_entry, multi_task_config
from vitpose_plus.experiments.new_dataset.trained_parts import trained_parts
from vitpose_plus.experiments.own_dataset import augmented, completed, has_flips, of_training
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.ffn import ExpertLinear

BASE = CONFIGS / '_base_' / 'multi_task.py'


def expert_dataset_config(
    base: Mapping,
    name: str,
    *,
    of: str,
    checkpoint: str,
    like: str | None = None,
    train: str = 'expert',
    batch_size: int,
    epochs: int,
    lr: float,
    warm_up: int,
    workers: int,
    repeats: int = 1,
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """Returns a complete config for one new expert of a trained ViTPose+.

    The model has the backbone, the decoder and the input size of the ViTPose+, one expert and one
    head. If only the expert and the head are trained, ``join`` adds both to the ViTPose+.

    Args:
        base: As in ``own_dataset_config``, like all arguments that are not listed here.
        name: The name of the dataset.
        of: The config of the ViTPose+: a file, or the name of an included config.
        checkpoint: Its weights: a released name, a file or a URL.
        like: The dataset whose expert and decoder the training starts from; None: the mean of all
            experts, and a random decoder.
        train: What is trained: expert, expert+norms or last-N.
    """
    given = read_vitpose_plus(of)
    entry = find_entry(base, name)
    with_augmentation, augmentation = augmented(entry)
    loading = dict(num_workers=workers, persistent_workers=workers > 0)
    cfg = Config.fromfile(BASE)
    model = given.model.to_dict()
    sections = multi_task_config(
        cfg,
        {name: with_augmentation},
        augmentation=augmentation,
        input_hw=tuple(model['backbone']['input_hw']),
        sigma=model['head']['heads'][0]['codec'].get('sigma', 2.0),
        data_root='',
        train_dataloader=loading,
        val_dataloader=loading,
        test_dataloader=loading,
    )
    model['head']['heads'] = sections.pop('model')['head']['heads']
    cfg.merge_from_dict(sections)
    backbone = _with_one_expert(model, checkpoint, like, train)
    model['test_cfg'] = dict(model.get('test_cfg') or {}, flip_test=has_flips(entry))
    cfg.model = model
    cfg.merge_from_dict(of_training(name, epochs, lr, warm_up))
    # The same rate in all layers: the trained parts of all layers start as far from their values.
    cfg.optim_wrapper.paramwise_cfg = dict(num_layers=len(backbone.layers), layer_decay_rate=1.0)
    if 'custom_imports' in given:
        cfg.custom_imports = given.custom_imports
    return changed(completed(cfg, name, entry, batch_size, repeats, seed), changes)


def read_vitpose_plus(name: str) -> Config:
    """Reads the config of a ViTPose+; a ``UserError`` if its model has no experts or heads."""
    cfg = read_config(name)
    heads = cfg.model.get('head', {}).get('heads')
    if not heads or not experts_of(build_on_meta(cfg.model.backbone)):
        raise UserError(
            f'{cfg.filename} has no model with experts and a head for each dataset: give the '
            'config of a ViTPose+.'
        )
    return cfg


def experts_of(backbone: nn.Module) -> list[ExpertLinear]:
    """The stacked layers of the experts."""
    return [module for module in backbone.modules() if isinstance(module, ExpertLinear)]


def _with_one_expert(model: dict, checkpoint: str, like: str | None, train: str) -> nn.Module:
    """Changes the model of a ViTPose+ to one expert; returns its backbone on the meta device."""
    backbone = model['backbone']
    backbone['ffn']['num_experts'] = 1
    for key in ('frozen', 'init_cfg'):
        backbone.pop(key, None)
    # The parts are built one by one: a complete model needs the scope of a runner.
    built = build_on_meta(backbone)
    backbone['frozen'] = trained_parts(train).frozen(built)
    backbone['init_cfg'] = dict(type='PretrainedMeanExpert', checkpoint=checkpoint)
    if like is not None:
        backbone['init_cfg'] = dict(type='PretrainedExpert', checkpoint=checkpoint, expert=like)
        [decoder] = build_on_meta(model['head']).decoders.values()
        copied = dict(type='PretrainedDecoder', checkpoint=checkpoint, dataset=like)
        model['head']['head']['init_cfg'] = [*_several(decoder.init_cfg), copied]
    return built


def _several(init_cfg: dict | Sequence[dict] | None) -> list[dict]:
    """The initialisers of a module as a list."""
    return [init_cfg] if isinstance(init_cfg, dict) else list(init_cfg or ())
