"""Sizes a model and its training for the labels, the initial weights and the machine.

The numbers are our own: they were found with a hundred labelled frames of mice on two cores
(docs/own_keypoints.md).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

TOKEN = 16  # pixels; the input has a whole number of tokens in x and y
ALL_WAYS = 60.0  # degrees; instances that are turned farther may have any angle
ANY_ANGLE, UPRIGHT = 180.0, 30.0  # degrees, the rotations of the augmentation
EPOCHS = 20  # with a validation after each
PASSES = 10  # the least number of times that every picture is used
LIMIT_WORKERS = 8


@dataclass(frozen=True)
class Machine:
    """What the training runs on.

    Attributes:
        cores: The number of cores that this process may use.
        has_gpu: Whether it has a GPU.
    """

    cores: int
    has_gpu: bool = False


@dataclass(frozen=True)
class InitialWeights:
    """The initial weights.

    Attributes:
        name: The released name, the file or the URL.
        arch: The size of its backbone, a key of ``models.archs.ARCHS``.
        expert: The dataset whose expert is used; None if there are no experts.
    """

    name: str
    arch: str
    expert: str | None = None


class Sized(NamedTuple):
    """A value of the config, and the reason for it."""

    value: object
    reason: str


def size_training(
    boxes_wh: np.ndarray,
    pixels: int,
    parts: int,
    start: InitialWeights | None,
    machine: Machine,
) -> dict[str, Sized]:
    """Returns the arguments of ``own_dataset_config``, with reasons.

    Args:
        boxes_wh: Widths and heights of the N boxes of the training in pixels, (N, 2).
        pixels: The number of pixels that the input should have, about.
        parts: The number of kinds of crops that the training learns.
        start: The initial weights; None: random.
        machine: The machine.
    """
    arch = start.arch if start else 'tiny'
    is_tiny = arch == 'tiny'
    lr = Sized(1e-3 if is_tiny else 5e-4, f'the largest learning rate, for the size {arch}')
    width, height = np.median(boxes_wh, axis=0)
    input_hw = shape(width, height, pixels if is_tiny else max(pixels, 256 * 192))
    sized = dict(
        arch=Sized(arch, _why_arch(start)),
        input_hw=Sized(
            input_hw,
            f'height, width, in steps of 32; median box: {width:.0f} wide, {height:.0f} high',
        ),
        **schedule(len(boxes_wh), parts, start is not None, lr, machine),
    )
    if start:
        sized['pretrained'] = Sized(start.name, 'the initial weights')
        if start.expert:
            sized['expert'] = Sized(start.expert, 'the expert that is used')
    return sized


def schedule(
    number: int, parts: int, is_trained: bool, lr: Sized, machine: Machine
) -> dict[str, Sized]:
    """Returns the arguments of the batches, the schedule and the loader, with reasons.

    Args:
        number: The number of instances.
        parts: The number of kinds of crops that the training learns.
        is_trained: Whether the initial weights are trained; else they are random.
        lr: The largest learning rate.
        machine: The machine.
    """
    batch = min(number, 32 if machine.has_gpu else 16)
    iterations = math.ceil((400 if is_trained else 1100) * (5 + parts) / 6)  # looks share much
    iterations = max(iterations, math.ceil(PASSES * number / batch))
    passes = iterations * batch / number
    # Single epochs of a few iterations would wait for the loader each time.
    repeats = max(1, round(passes / EPOCHS))
    epochs = max(1, round(passes / repeats))
    steps = math.ceil(repeats * number / batch)
    return dict(
        batch_size=Sized(
            batch, f'instances in a step, {"on a GPU" if machine.has_gpu else "without a GPU"}'
        ),
        repeats=Sized(repeats, 'passes over the training pictures in an epoch'),
        epochs=Sized(epochs, _why_epochs(epochs * steps, number, is_trained, parts)),
        lr=lr,
        warm_up=Sized(
            min(100, epochs * steps // 10), 'iterations in which the learning rate rises'
        ),
        workers=Sized(*_workers(machine)),
    )


def shape(width: float, height: float, pixels: int) -> tuple[int, int]:
    """Height and width of an input with the shape of a box, in whole numbers of two tokens."""
    ratio = float(np.clip(height / width, 0.5, 2.0))
    sides = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
    return tuple(max(1, round(side / (2 * TOKEN))) * 2 * TOKEN for side in sides)


def rotation(turn: float) -> Sized:
    """The largest rotation of the augmentation, in degrees, for the angle of ``turning``."""
    if turn > ALL_WAYS:
        return Sized(ANY_ANGLE, f'any angle: labels are turned by up to {turn:.0f} degrees')
    return Sized(UPRIGHT, f'upright: labels are turned by up to {turn:.0f} degrees')


def _why_arch(start: InitialWeights | None) -> str:
    if start:
        return 'the size of the initial weights'
    return 'random weights: larger models need more pictures'


def _why_epochs(iterations: int, number: int, is_trained: bool, parts: int) -> str:
    weights = 'trained' if is_trained else 'random'
    looks = ' and two looks' if parts > 1 else ''
    return f'{iterations} iterations for {number} instances, {weights} weights{looks}'


def _workers(machine: Machine) -> tuple[int, str]:
    if machine.cores == 1:
        return 0, 'this machine has one core'
    return min(
        LIMIT_WORKERS, machine.cores - 1
    ), f'processes that load pictures; {machine.cores} cores'
