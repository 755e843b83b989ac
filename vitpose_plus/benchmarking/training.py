"""Training steps on one batch, and the loader of the training data."""

import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from copy import deepcopy
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.subjects import Subject
from vitpose_plus.benchmarking.ways import Role, Way
from vitpose_plus.datasets.figures import write_figures
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import shipped_configs

# The optimiser's wrapper of each precision, as the included configs train in it.
WRAPPERS = dict(fp32='OptimWrapper', bf16='Bf16OptimWrapper')
OPTIMISER = ('optimizer', 'constructor', 'paramwise_cfg')  # settings of the optimiser itself
FIGURES = 60  # pictures of each set
BACKBONE = 'backbone'  # the group of the ways that train the backbone alone
Change = Callable[[nn.Module], nn.Module]


def steps(plan: Plan, name: str, network: nn.Module, role: Role = Role.OURS) -> Iterator[Way]:
    """Yields the training step of a network, and the part of its backbone, in every precision.

    A step is the forward and the backward pass and the update of the weights, as the config has it
    (AdamW, fused). The datasets are mixed in the batch. All precisions train the same weights. The
    ways of the backbone are a group of their own.
    """
    cfg = plan.subject.model.network.cfg
    if 'optim_wrapper' not in cfg:
        raise UserError(f'{cfg.filename} has no optim_wrapper: leave out --what train.')
    network = network.to(plan.device).train()
    batch, inputs = batch_of(plan.subject, plan.batch), backbone_inputs(plan.subject, plan.batch)
    settings = {key: cfg.optim_wrapper[key] for key in OPTIMISER if key in cfg.optim_wrapper}
    with redirect_stdout(StringIO()):  # the constructor of mmpose prints its arguments
        built = build_optim_wrapper(network, dict(settings, type='OptimWrapper'))
    clip = cfg.optim_wrapper.get('clip_grad')
    for precision in plan.precisions:
        if kind := WRAPPERS.get(precision):
            own = dict(type=kind, optimizer=built.optimizer, clip_grad=clip)
            wrapper = OPTIM_WRAPPERS.build(own)
            step = partial(network.train_step, batch, wrapper)
            yield plan.training_way(name, precision, step, role)
            part = partial(backbone_step, network, inputs, wrapper)
            yield Way(f'{name}, backbone', precision, part, plan.batch, role=role, group=BACKBONE)


def backbone_step(network: nn.Module, inputs: tuple[Tensor, ...], wrapper: OptimWrapper) -> None:
    """The forward and the backward pass of the backbone, without decoders and without an update."""
    with wrapper.optim_context(network):
        feats = network.extract_feat(*inputs)
    sum(feat.float().square().mean() for feat in feats).backward()
    network.zero_grad()


def backbone_inputs(subject: Subject, size: int) -> tuple[Tensor, ...]:
    """Crops, and the dataset of each in the order of the experts if the model has several."""
    crops = subject.crops(size)
    if not subject.has_several:
        return (crops,)
    return crops, torch.arange(size).remainder(len(subject.names)).sort().values


def trainable(subject: Subject, change: Callable[[dict], None] = lambda model: None) -> nn.Module:
    """A new network of the subject's config, with random weights.

    Args:
        change: Changes the config of the model.
    """
    model = deepcopy(subject.model.network.cfg.model)
    change(model)
    torch.manual_seed(0)
    return MODELS.build(model)


def share_ffns(model: dict) -> None:
    """Removes the experts from the config of a model: its FFNs are shared by all datasets."""
    model['backbone']['ffn'] = dict(type='SharedFFN')


def batch_of(subject: Subject, size: int) -> dict[str, Any]:
    """A batch of noise with targets; the datasets of the model take turns."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (size, 3, *subject.input_hw), generator=generator)
    names = [subject.names[i % len(subject.names)] for i in range(size)]
    samples = [_sample(subject, name) for name in names]
    return dict(inputs=list(pixels.to(torch.uint8)), data_samples=samples)


def _sample(subject: Subject, dataset: str) -> PoseDataSample:
    head = subject.head(dataset)
    width, height = head.decoder.heatmap_size
    keypoints = head.out_channels
    sample = PoseDataSample(metainfo=dict(dataset_name=dataset))
    sample.gt_fields = PixelData(heatmaps=torch.rand(keypoints, height, width))
    sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, keypoints))
    return sample


def training_data(subject: Subject, folder: Path) -> Config:
    """The config with its training data; an included config gets synthetic figures.

    Raises:
        UserError: The config has no training data.
    """
    cfg = deepcopy(subject.model.network.cfg)
    if 'train_dataloader' not in cfg:
        raise UserError(f'{cfg.filename} has no train_dataloader: leave out --what load.')
    if is_included(subject.config):
        figures = folder / 'figures'
        if not figures.exists():
            write_figures(figures, num_train=FIGURES, num_val=1)
        _move(cfg.train_dataloader.dataset, figures)
    return cfg


def is_included(config: str) -> bool:
    """Whether a config is one of the package, by its name or by its path."""
    if not os.path.isfile(config):
        return config.removesuffix('.py') in shipped_configs()
    found = shipped_configs().get(Path(config).stem)
    return found is not None and os.path.samefile(config, found)


def _move(part: Any, figures: Path) -> None:
    """Sets the folder of every dataset to the one of the same name in the synthetic figures."""
    for each in part.get('datasets', [part]):
        each.data_root = str(figures / Path(each.data_root).name)


def loader_of(cfg: Config, batch: int) -> Iterator[Any]:
    """Yields full batches of the training data without end, which are made in this process."""
    settings = dict(cfg.train_dataloader, batch_size=batch, num_workers=0)
    settings |= dict(persistent_workers=False, sampler=dict(type='InfiniteSampler', shuffle=True))
    with redirect_stdout(StringIO()):  # the COCO tools print every step
        yield from Runner.build_dataloader(settings)


def load_on_one_thread(batches: Iterator[Any]) -> Any:
    """Returns the next batch; torch and OpenCV use one thread, as in a worker."""
    threads, by_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        return next(batches)
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(by_opencv)
