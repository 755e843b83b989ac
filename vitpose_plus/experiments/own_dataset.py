"""The function that the config of a folder of ``vitpose new-dataset`` calls."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import CONFIGS
from vitpose_plus.experiments.configs import changed, find_entry, single_dataset_config
from vitpose_plus.experiments.pipelines import AFTER

OWN = CONFIGS / '_base_' / 'own_dataset.py'
# Size -> the included config with its decoder, layer decay and stochastic depth.
PARENTS = {'tiny': '_base_/tiny.py'} | {
    size: f'vitpose/vitpose-{size}_coco-256x192.py' for size in ('small', 'base', 'large', 'huge')
}
VALIDATIONS = 20  # in a training
# Variables of the parents that only serve to make the config.
UNUSED = ('coco', 'crops', 'augmentation', 'classic_decoder', 'simple_decoder', 'upsampling')
PATIENCE = 7  # validations without a better result that end the training


def own_dataset_config(
    base: Mapping,
    name: str,
    *,
    arch: str,
    input_hw: tuple[int, int],
    batch_size: int,
    epochs: int,
    lr: float,
    warm_up: int,
    workers: int,
    repeats: int = 1,
    pretrained: str | None = None,
    expert: str | None = None,
    layer_decay: float | None = None,
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """Returns a complete config for a plain model of one dataset of your own.

    Args:
        base: ``_base_``, with the entry of the dataset; the entry may have ``boxes``, the default
            of ``predict --boxes``.
        name: The name of the dataset.
        arch: The size of the model, a key of ``PARENTS``.
        input_hw: Height and width of the crops, in pixels.
        batch_size: Instances in a batch.
        epochs: Epochs of the training, for one process; the learning rate falls as a half cosine.
        lr: The largest learning rate.
        warm_up: Iterations in which the learning rate rises.
        workers: Processes that load the pictures of the training.
        repeats: The number of times that a picture is used in an epoch.
        pretrained: Initial weights: a released name, a file or a URL; None: random weights.
        expert: The dataset whose expert is used, if the initial weights have several.
        layer_decay: The factor of the learning rate from layer to layer; the default is that of the
            included config of this size.
        seed: The seed of all random numbers.
        changes: Section -> changes of that section.
    """
    if arch not in PARENTS:
        raise UserError(f'arch={arch!r} is not known: give {", ".join(PARENTS)}.')
    entry = find_entry(base, name)
    cfg = Config.fromfile(CONFIGS / PARENTS[arch])
    loading = dict(num_workers=workers, persistent_workers=workers > 0)
    cfg.merge_from_dict(_of_entry(cfg, name, entry, input_hw, loading))
    cfg.merge_from_dict(of_training(name, epochs, lr, warm_up))
    if layer_decay is not None:
        cfg.optim_wrapper.paramwise_cfg.layer_decay_rate = layer_decay
    if pretrained:
        start = dict(type='PretrainedBackbone', checkpoint=pretrained, expert=expert)
        cfg.model.backbone.init_cfg = start
    return changed(completed(cfg, name, entry, batch_size, repeats, seed), changes)


def completed(
    cfg: Config, name: str, entry: Mapping, batch_size: int, repeats: int, seed: int
) -> dict[str, Any]:
    """Adds what every training of an own dataset has; the arguments are those above."""
    cfg.train_dataloader.batch_size = batch_size
    cfg.auto_scale_lr = dict(base_batch_size=batch_size)
    if repeats > 1:
        whole = cfg.train_dataloader.dataset
        cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=repeats, dataset=whole)
    if boxes := entry.get('boxes'):
        cfg.predict = dict(boxes=boxes)
    cfg.work_dir = f'work_dirs/{name}'
    cfg.randomness = dict(seed=seed)
    for unused in UNUSED:
        cfg.pop(unused, None)
    return cfg.to_dict()


def _of_entry(
    cfg: Config, name: str, entry: Mapping, input_hw: tuple[int, int], loading: dict
) -> dict[str, Any]:
    """The sections of the model, the loaders and the metrics."""
    entry, augmentation = augmented(entry)
    return single_dataset_config(
        cfg,
        name,
        entry=entry,
        augmentation=augmentation,
        input_hw=input_hw,
        data_root='',
        model=dict(test_cfg=dict(flip_test=has_flips(entry))),
        train_dataloader=loading,
        val_dataloader=loading,
        test_dataloader=loading,
    )


def augmented(entry: Mapping) -> tuple[dict, list[dict]]:
    """Returns the entry and the transforms with the augmentation of an own dataset."""
    own = Config.fromfile(OWN)
    changes = {AFTER: own.after_crop, **entry.get('augmentation', {})}
    return {**entry, 'augmentation': changes}, own.augmentation


def has_flips(entry: Mapping) -> bool:
    """Whether the pictures may be mirrored."""
    return entry.get('augmentation', {}).get('RandomFlip', {}) is not None


def of_training(name: str, epochs: int, lr: float, warm_up: int) -> dict[str, Any]:
    """The sections of the schedule and the hooks."""
    interval = max(1, epochs // VALIDATIONS)
    best = dict(interval=interval, max_keep_ckpts=1, save_best=f'{name}/EPE', rule='less')
    stopping = dict(monitor=f'{name}/EPE', rule='less', min_delta=0.0, patience=PATIENCE)
    rise = dict(type='LinearLR', begin=0, end=warm_up, start_factor=0.01, by_epoch=False)
    fall = dict(type='CosineAnnealingLR', T_max=epochs, by_epoch=True, convert_to_iter_based=True)
    return dict(
        optim_wrapper=dict(optimizer=dict(lr=lr)),
        param_scheduler=[rise, fall],
        train_cfg=dict(max_epochs=epochs, val_interval=interval),
        default_hooks=dict(logger=dict(interval=20), checkpoint=best),
        custom_hooks=[
            dict(type='BestCopyHook'),
            dict(type='ResumableEarlyStoppingHook', **stopping),
            dict(type='ReportHook'),
        ],
    )
