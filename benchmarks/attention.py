"""Measures the table of docs/attention.md: ``OMP_NUM_THREADS=1 python benchmarks/attention.py``.

One input of 256x192 pixels goes through each attention kind and feature stride. The table has
parameters, multiply-adds and bytes kept for the backward pass of ViTPose-B's backbone. It also has
seconds of a forward pass and of a training pass of ViTPose-S's backbone. The kinds are timed in
turn, so that a busy machine slows all kinds down equally.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from torch import nn

import vitpose_plus  # noqa: F401  registers the backbone
from vitpose_plus.evaluation.complexity import multiply_adds
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import build_on_meta

INPUT_HW = (256, 192)
ROUNDS = 7
CONFIGS = {
    '1/16, full': 'vitpose-base_coco-256x192',
    '1/8, full': 'vitpose-base-stride8_coco-256x192',
    '1/8, window 8x8': 'vitpose-base-stride8-window_coco-256x192',
    '1/8, window 8x8, shift': 'vitpose-base-stride8-window-shift_coco-256x192',
    '1/8, window 8x8, pool': 'vitpose-base-stride8-window-pool_coco-256x192',
    '1/8, window 8x8, shift, pool': 'vitpose-base-stride8-window-shift-pool_coco-256x192',
    '1/8, window 8x8, full in every third layer': 'vitpose-base-stride8-window-full_coco-256x192',
    '1/8, window 16x12, shift, pool': 'vitpose-base-stride8-window16x12-shift-pool_coco-256x192',
    '1/4, window 8x8, shift, pool': 'vitpose-base-stride4-window-shift-pool_coco-256x192',
}


def main() -> None:
    configs = {label: backbone(name) for label, name in CONFIGS.items()}
    image = torch.randn(1, 3, *INPUT_HW)
    rows = {
        label: [*counts(cfg), kept_for_backward(MODELS.build(cfg), image) / 2**20]
        for label, cfg in configs.items()
    }
    models = {label: MODELS.build(cfg | dict(arch='small')) for label, cfg in configs.items()}
    for passes in (forward, train):
        for label, seconds in in_turn(passes, models, image).items():
            rows[label].append(seconds)
    print(
        '| features, attention | parameters, M | multiply-adds, G | with relative positions, G | '
        'kept for the backward pass, MB | forward of S, s | training of S, s |'
    )
    print('| --- |' + ' ---: |' * 6)
    for label, (parameters, papers, ours, kept, eval_s, train_s) in rows.items():
        print(
            f'| {label} | {parameters:.1f} | {papers:.2f} | {ours:.2f} | {kept:.0f} | '
            f'{eval_s:.2f} | {train_s:.2f} |'
        )


def backbone(name: str) -> dict:
    """The backbone of a config, without drop path, which is random and frees memory."""
    return Config.fromfile(find_config(name)).model.backbone.to_dict() | dict(drop_path_rate=0.0)


def counts(cfg: dict) -> Iterator[float]:
    """Millions of parameters; multiply-adds in G without and with relative positions."""
    model = build_on_meta(cfg)
    yield sum(p.numel() for p in model.parameters()) / 1e6
    ours = multiply_adds(model, INPUT_HW)
    for layer in model.layers:
        layer.attention.rel_pos = None
    yield multiply_adds(model, INPUT_HW) / 1e9
    yield ours / 1e9


def kept_for_backward(model: nn.Module, image: torch.Tensor) -> int:
    """Bytes of the activations that the backward pass needs, without the parameters."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = model(image)  # kept until all tensors are counted, so that no memory is reused
    del output
    return sum(kept.values())


@torch.no_grad()
def forward(model: nn.Module, image: torch.Tensor) -> None:
    model.eval()(image)


def train(model: nn.Module, image: torch.Tensor) -> None:
    model.train()(image)[0].sum().backward()


def in_turn(
    passes: Callable, models: dict[str, nn.Module], image: torch.Tensor
) -> dict[str, float]:
    """Runs all models in every round, and returns the median seconds of each model."""
    times = {label: [] for label in models}
    for _ in range(ROUNDS):
        for label, model in models.items():
            start = time.perf_counter()
            passes(model, image)
            times[label].append(time.perf_counter() - start)
    return {label: statistics.median(seconds) for label, seconds in times.items()}


if __name__ == '__main__':
    torch.set_num_threads(1)
    main()
