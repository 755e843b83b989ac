"""Export a model to ONNX, OpenVINO or torch.export, and compare the file with the model."""

import argparse
from typing import TYPE_CHECKING

from vitpose_plus import files
from vitpose_plus.commands.export_options import add_arguments
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from vitpose_plus.export.exporters import Exporter
    from vitpose_plus.export.exporting import Exported
    from vitpose_plus.inference.pose_model import PoseModel

__all__ = ['add_arguments', 'parse', 'run']
# The options of ``predict`` in messages about a model, in the words of this command.
WORDS = {
    'give its weights with --checkpoint': 'give its weights (vitpose export CONFIG CHECKPOINT OUT)',
    'a config with --checkpoint': 'a config with CHECKPOINT',
    'with --checkpoint': 'as CHECKPOINT',
    'with --model': 'as CONFIG',
    '--checkpoint': 'CHECKPOINT',
}

# Options may be between CONFIG, CHECKPOINT and OUT.
parse = argparse.ArgumentParser.parse_intermixed_args


def run(args: argparse.Namespace) -> None:
    from vitpose_plus.experiments.catalogue import load_config
    from vitpose_plus.export.describing import Options
    from vitpose_plus.export.exporting import export, exporter_for, fold, place_of

    args.out = place_of(args.out)
    check_place(args, exporter_for(args.out, args.precision))
    calibrate = load_config(args.calibrate) if args.calibrate else None
    print(f'Loading {args.config} ...')
    model = load(args.config, args.checkpoint)
    if args.dataset:
        model = fold(model, args.dataset)
    options = Options(args.outputs, args.precision, args.input, args.normalise, args.flip_test)
    print(text_of(export(model, args.out, options, calibrate, print)))


def load(config: str, checkpoint: str | None) -> 'PoseModel':
    """Loads the model; messages name the arguments of this command."""
    from vitpose_plus.inference import models

    try:
        return models.load(config, checkpoint)
    except UserError as error:
        text = str(error)
        for other, own in WORDS.items():
            text = text.replace(other, own)
        raise UserError(text) from error


def check_place(args: argparse.Namespace, exporter: type['Exporter']) -> None:
    """Refuses files that must not be replaced, and a missing or unused --calibrate."""
    for each in filter(None, (args.out, exporter.companion(args.out))):
        files.refuse_existing(each, args.force)
        for given in filter(None, (args.config, args.checkpoint)):
            files.refuse_same(given, each)
    if exporter.needs_calibration and not args.calibrate:
        raise UserError(
            f'--precision {args.precision} measures the values in the network on training data: '
            'give the config of the data with --calibrate.'
        )
    if args.calibrate and not exporter.needs_calibration:
        raise UserError(
            f'--calibrate is not used for --precision {args.precision}: leave it out, or give '
            '--precision int8.'
        )


def text_of(exported: 'Exported') -> str:
    """The report of an export, one fact a line."""
    from vitpose_plus.export.capturing import input_names, output_names

    description = exported.description
    height, width = description.input_hw
    lines = [
        f'Written: {exported.path} ({description.precision}, {exported.size / 1e6:.1f} MB, '
        f'{exported.seconds:.0f} s)',
        f'Inputs: {", ".join(input_names(description))}; crops are (batch, 3, {height}, {width}), '
        f'{description.channels}',
        f'Outputs: {", ".join(output_names(description))}',
        f'Datasets: {", ".join(description.names)}',
        f'Compared on {exported.crops}, by {exported.provider}:',
        *(f'  batches of {each.batch_size}: {each}' for each in exported.differences),
    ]
    if not any(len(each.distances) for each in exported.differences):
        lines.append(
            '  No heatmap has a clear peak, as with random weights, or the model is bottom-up: '
            'places of keypoints were not compared.'
        )
    if description.licence_flags:
        lines.append(f'Licence flags of the weights: {", ".join(description.licence_flags)}')
    return '\n'.join(lines)
