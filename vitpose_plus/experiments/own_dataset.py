"""The function that the config of a folder of ``vitpose new-dataset`` calls."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.configs import changed, single_dataset_config
from vitpose_plus.experiments.pipelines import AFTER

CONFIGS = Path(__file__).parents[1] / '.mim' / 'configs'
OWN = CONFIGS / '_base_' / 'own_dataset.py'
# Size -> the included config with its decoder, layer decay and stochastic depth.
PARENTS = {'tiny': '_base_/tiny.py'} | {
    size: f'vitpose/vitpose-{size}_coco-256x192.py' for size in ('small', 'base', 'large', 'huge')
}
VALIDATIONS = 20  # in a training
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
        epochs: Epochs of the training; the learning rate falls as a half cosine.
        lr: The largest learning rate.
        warm_up: Iterations in which the learning rate rises.
        workers: Processes that load the pictures of the training.
        repeats: The number of times that a picture is used in an epoch.
        pretrained: Initial weights: a released name, a file or a URL; None: random weights.
        expert: The dataset whose expert is used, if the initial weights have several.
        layer_decay: The factor of the learning rate from layer to layer; by default that of the
            size.
        seed: The seed of all random numbers.
        changes: Section -> changes of that section.
    """
    if arch not in PARENTS:
        raise UserError(f'arch={arch!r} is not known: give {", ".join(PARENTS)}.')
    entry = dict(base[name])
    boxes = entry.pop('boxes', None)
    own = Config.fromfile(OWN)
    flips = entry.get('augmentation', {}).get('RandomFlip', {}) is not None
    entry['augmentation'] = {AFTER: own.after_crop, **entry.get('augmentation', {})}
    loading = dict(num_workers=workers, persistent_workers=workers > 0)
    cfg = Config.fromfile(CONFIGS / PARENTS[arch])
    cfg.merge_from_dict(
        single_dataset_config(
            cfg,
            name,
            entry=entry,
            augmentation=own.augmentation,
            input_hw=input_hw,
            data_root='',
            model=dict(test_cfg=dict(flip_test=flips)),
            train_dataloader=dict(loading, batch_size=batch_size),
            val_dataloader=loading,
            test_dataloader=loading,
        )
    )
    if repeats > 1:
        whole = cfg.train_dataloader.dataset
        cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=repeats, dataset=whole)
    interval = max(1, epochs // VALIDATIONS)
    monitor = f'{name}/EPE'
    cfg.merge_from_dict(
        dict(
            default_hooks=own.default_hooks,
            custom_hooks=[
                dict(type='BestCopyHook'),
                dict(
                    type='ResumableEarlyStoppingHook',
                    monitor=monitor,
                    rule='less',
                    min_delta=0.0,
                    patience=PATIENCE,
                ),
                dict(type='ReportHook'),
            ],
            optim_wrapper=dict(optimizer=dict(lr=lr)),
            param_scheduler=[
                dict(type='LinearLR', begin=0, end=warm_up, start_factor=0.01, by_epoch=False),
                dict(
                    type='CosineAnnealingLR',
                    T_max=epochs,
                    by_epoch=True,
                    convert_to_iter_based=True,
                ),
            ],
            train_cfg=dict(max_epochs=epochs, val_interval=interval),
            work_dir=f'work_dirs/{name}',
            randomness=dict(seed=seed),
        )
    )
    cfg.default_hooks.checkpoint.update(save_best=monitor, interval=interval)
    if layer_decay is not None:
        cfg.optim_wrapper.paramwise_cfg.layer_decay_rate = layer_decay
    if boxes:
        cfg.predict = dict(boxes=boxes)
    if pretrained:
        start = dict(type='PretrainedBackbone', checkpoint=pretrained, expert=expert)
        cfg.model.backbone.init_cfg = start
    for unused in ('coco', 'crops', 'classic_decoder', 'simple_decoder', 'upsampling'):
        cfg.pop(unused, None)
    return changed(cfg.to_dict(), changes)
