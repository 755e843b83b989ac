"""The options of ``export``."""

import argparse

# The values of inference.engines.description, and the keys of export.exporters.EXPORTERS.
OUTPUTS = ('keypoints', 'heatmaps')
PRECISIONS = ('fp32', 'fp16', 'int8')
CHANNELS = ('rgb', 'bgr')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config',
        metavar='CONFIG',
        help='a config, or without CHECKPOINT: a released name (vitpose weights) or a training '
        'folder',
    )
    parser.add_argument(
        'checkpoint', nargs='?', metavar='CHECKPOINT', help='the weights: a file or URL'
    )
    parser.add_argument(
        'out',
        metavar='OUT',
        help='the file to write; its name ends in .onnx (ONNX), .xml (OpenVINO) or .pt2 '
        '(torch.export)',
    )
    parser.add_argument(
        '--outputs',
        choices=OUTPUTS,
        default=OUTPUTS[0],
        help='what the file computes from the pixels of crops [keypoints]',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help='the precision of the network; int8 only for .xml, with --calibrate [fp32]',
    )
    parser.add_argument(
        '--dataset',
        metavar='NAME',
        help='export the plain model of this dataset [all datasets of the model; the second input '
        "of the file is then the number of each crop's dataset]",
    )
    parser.add_argument(
        '--flip-test',
        action='store_true',
        help='the file averages the heatmaps of each crop and its mirror image: slightly better, '
        'but takes twice as long',
    )
    parser.add_argument(
        '--input', choices=CHANNELS, default=CHANNELS[0], help='the order of the channels [rgb]'
    )
    parser.add_argument(
        '--normalise',
        action='store_true',
        help='with --outputs heatmaps: the file normalises the pixels (0 to 255); without it, the '
        'crops must be normalised. Files with keypoints always normalise',
    )
    parser.add_argument(
        '--calibrate',
        metavar='CONFIG',
        help='for --precision int8: the config whose training data is used to measure the values '
        'in the network',
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
