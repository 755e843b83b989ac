"""Writes a model to a file for other programs, and keeps the file only if it equals torch."""

import glob
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from vitpose_plus import files
from vitpose_plus.checkpoints.splitting import split
from vitpose_plus.errors import RunError, UserError, reason
from vitpose_plus.export import crops as crops_module
from vitpose_plus.export.capturing import capture
from vitpose_plus.export.comparing import Differences, compare, reference
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.exporters import EXPORTERS, Exporter
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.export.refusing import refuse_file
from vitpose_plus.inference.engines.description import Description
from vitpose_plus.inference.engines.opening import open_engine
from vitpose_plus.inference.models import PoseModel
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

CALIBRATION_CROPS = 300
CPU = torch.device('cpu')
Message = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """A file that was written and compared.

    Attributes:
        path: The file.
        size: The bytes of the file and of its companion.
        seconds: The time for everything.
        description: What the file states about itself.
        provider: What computed it in the comparison.
        crops: Where the pictures of the comparison are from.
        differences: The differences for every batch size.
    """

    path: Path
    size: int
    seconds: float
    description: Description
    provider: str
    crops: str
    differences: list[Differences]


def place_of(path: str | Path) -> Path:
    """Returns the file that is written: if ``path`` is a symbolic link, the file it points to."""
    return Path(os.path.realpath(path) if os.path.islink(path) else path)


def exporter_for(path: str | Path, precision: str) -> type[Exporter]:
    """Returns the exporter for the ending of a name.

    Raises:
        UserError: No exporter has this ending or this precision, or a package is missing.
    """
    files.check_output(path, EXPORTERS)
    ending = Path(path).suffix
    if ending not in EXPORTERS:
        raise UserError(f'{path} must end in {ending.lower()}, in lower case: give another name.')
    by_precision = EXPORTERS[ending]
    if precision not in by_precision:
        able = [ending for ending, kinds in EXPORTERS.items() if precision in kinds]
        raise UserError(
            f'{path} cannot be written in {precision}: give a name that ends in '
            f'{" or ".join(able)}, or another --precision.'
        )
    exporter = by_precision[precision]
    exporter.check_installed(Path(path))
    return exporter


def fold(model: PoseModel, dataset: str) -> PoseModel:
    """Returns the plain model of one dataset; a ``UserError`` if the model does not have it."""
    refuse_file(model)
    if dataset not in model.skeletons:
        raise UserError(
            f'--dataset names {dataset!r}, which the model does not have: give one of '
            f'{", ".join(model.skeletons)}.'
        )
    parts = {
        name: {dataset: getattr(model, name)[dataset]}
        for name in ('skeletons', 'metainfo', 'pipelines')
    }
    if not isinstance(model.network, MultiDatasetTopdown):
        return replace(model, **parts)
    state, cfg = split(model.network.state_dict(), model.network.cfg, dataset)
    network = MODELS.build(cfg.model)
    network.load_state_dict(state)
    network.cfg = cfg
    return replace(model, network=network.eval(), **parts)


def export(
    model: PoseModel,
    path: str | Path,
    options: Options,
    calibrate: Config | None = None,
    on_message: Message = lambda text: None,
) -> Exported:
    """Writes a model to ``path``, and compares the file with torch before it is kept.

    Args:
        model: The model; ``fold`` reduces it to one dataset.
        path: The file; its ending chooses the exporter. An existing file is replaced.
        options: The options of the graph.
        calibrate: The config whose training data calibrates ``int8``.
        on_message: A function that is called with a sentence before every step.

    Raises:
        UserError: The model or the options cannot be exported.
        RunError: The export failed, or the file differs from torch.
    """
    start = time.monotonic()
    path = place_of(path)
    exporter = exporter_for(path, options.precision)
    _remove_unfinished(path, exporter)
    description = describe(model, options)
    calibration = []
    if exporter.needs_calibration:
        crops = crops_module.for_calibration(model, description, calibrate, CALIBRATION_CROPS)
        calibration = [crops.inputs(description, rows) for rows in crops.rounds()]
        count = sum(len(each[0]) for each in calibration)
        on_message(f'Calibrating with {count} crops of {crops.source} ...')
    on_message('Computing the outputs of torch for the comparison ...')
    crops = crops_module.for_comparison(model, description)
    expected = reference(model.network, description, crops)
    with _together(path, exporter) as new, _failing_in_one_sentence(path, new):
        on_message(f'Writing {path} ...')
        program = capture(graph_of(model.network, description), description)
        exporter(calibration).write(program, description, new)
        del program
        on_message(f'Running {path} and comparing it with torch ...')
        engine = open_engine(new, CPU)
        differences = []
        for each in compare(engine, expected, description, crops):
            each.check(options.precision)
            differences.append(each)
        size = sum(file.stat().st_size for file in new.parent.iterdir())
        provider = f'{engine.name} ({engine.provider})'
        del engine  # it may map the file, which Windows does not rename then
    seconds = time.monotonic() - start
    return Exported(path, size, seconds, description, provider, crops.source, differences)


def _remove_unfinished(path: Path, exporter: type[Exporter]) -> None:
    """Removes what an earlier export left that was killed."""
    names = [glob.escape(each.name) for each in (path, exporter.companion(path)) if each]
    files.remove_unfinished(path.parent, names)


@contextmanager
def _together(path: Path, exporter: type[Exporter]) -> Iterator[Path]:
    """Gives a temporary name, and places the file and its companion if no error is raised.

    There is never a file without its companion, or beside the companion of another file: the old
    file is removed, the companion is placed, and then the file. A companion of an earlier file is
    removed if the new file has none.
    """
    place = exporter.companion(path)
    with files.replacing(path) as new:
        yield new
        companion = exporter.companion(new)
        is_needed = companion is not None and companion.exists()
        if is_needed:
            path.unlink(missing_ok=True)
            with files.replacing(place) as new_companion:
                os.replace(companion, new_companion)
    if place and not is_needed:
        place.unlink(missing_ok=True)


@contextmanager
def _failing_in_one_sentence(path: Path, new: Path) -> Iterator[None]:
    """The libraries can raise any error. The temporary name is replaced in its message."""
    try:
        yield
    except RunError:
        raise
    except UserError as error:
        raise UserError(str(error).replace(str(new), str(path))) from error
    except Exception as error:
        text = reason(error).replace(str(new), str(path))
        raise RunError(f'{path} was not written, because the export failed: {text}') from error
