"""Loads the model for a prediction by its name."""

import difflib
import os

import torch

from vitpose_plus.checkpoints import released
from vitpose_plus.errors import UserError, closest
from vitpose_plus.experiments.catalogue import shipped_configs
from vitpose_plus.inference.exported import ExportedFile
from vitpose_plus.inference.origins import ConfigFile, ReleasedName, TrainingFolder
from vitpose_plus.inference.pose_model import Origin, PoseModel

ORIGINS: tuple[type[Origin], ...] = (
    ExportedFile,
    ReleasedName,
    TrainingFolder,
    ConfigFile,
)


def origin_of(model: str, checkpoint: str | None = None) -> Origin:
    """Returns the origin of a model; raises a ``UserError`` with close names if there is none."""
    for kind in ORIGINS:
        if kind.accepts(model, checkpoint):
            return kind(model, checkpoint)
    if released.find(model) is not None:
        raise UserError(
            f'{model} is a released name and has its own weights: leave out --checkpoint, or give '
            'the config of the checkpoint with --model.'
        )
    names = [*released.RELEASED, *shipped_configs()]
    close = difflib.get_close_matches(os.path.basename(model), names, n=3, cutoff=0.4)
    raise UserError(
        f'There is no model {model}: give a released name (vitpose weights lists them), a config '
        f'with --checkpoint, or a training folder{closest(close)}.'
    )


def load(model: str, checkpoint: str | None = None) -> PoseModel:
    """Loads a model, ready to predict.

    Args:
        model: The name of a released model, the path or name of a config, a training folder, or an
            exported file.
        checkpoint: The file or URL of the weights, if ``model`` does not define them.

    Raises:
        UserError: The model does not exist, or config and weights do not fit.
    """
    return origin_of(model, checkpoint).load(torch.device('cpu'))
