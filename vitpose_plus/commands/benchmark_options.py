"""The options of ``benchmark``."""

import argparse

SIZES = ('small', 'base', 'large', 'huge')
# The keys of ``benchmarking.engines.ENGINES`` and of ``benchmarking.measurements.MEASUREMENTS``.
ENGINES = ('torch', 'compile', 'onnx', 'openvino')
MEASUREMENTS = ('forward', 'predict', 'train', 'decode', 'load')
PRECISIONS = ('fp32', 'bf16', 'fp16', 'int8')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        '--size', choices=SIZES, default='base', help='a ViTPose+ with random weights [base]'
    )
    model.add_argument(
        '--model',
        metavar='NAME',
        help='measure this model instead: as for predict, or a config without --checkpoint, which '
        'gets random weights',
    )
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='the weights (file or URL), if --model is a config'
    )
    parser.add_argument(
        '--dataset',
        nargs='+',
        default=[],
        metavar='NAME',
        help='the datasets of the crops; competitors get the first one [coco, or the first dataset '
        'of the model]',
    )
    parser.add_argument(
        '--what',
        nargs='+',
        choices=MEASUREMENTS,
        default=['forward'],
        help='what is measured: the network alone (forward), a folder of pictures (predict), a '
        'training step (train), decoding of heatmaps (decode), the training loader (load) '
        '[forward]',
    )
    parser.add_argument(
        '--engine', nargs='+', choices=ENGINES, default=['torch'], help='what computes [torch]'
    )
    parser.add_argument(
        '--precision',
        nargs='+',
        choices=PRECISIONS,
        help='the precisions that are measured, where an engine has them [fp32, and bf16 where the '
        'device has instructions for it]',
    )
    parser.add_argument(
        '--batch',
        type=positive,
        default=8,
        metavar='N',
        help='crops in a batch of forward, train and load [8]',
    )
    parser.add_argument(
        '--pictures', type=positive, default=8, metavar='N', help='pictures of predict [8]'
    )
    parser.add_argument(
        '--rounds', type=positive, default=5, metavar='N', help='how often each way is timed [5]'
    )
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N [auto]')
    parser.add_argument(
        '--threads',
        type=positive,
        metavar='N',
        help='threads of torch, OpenCV, ONNX Runtime and OpenVINO on the CPU [as they choose]',
    )
    parser.add_argument(
        '--no-competitors', action='store_true', help='measure only the engines of this package'
    )
    parser.add_argument(
        '--calibrate',
        metavar='CONFIG',
        help='for --precision int8: the config whose training data is used to measure the values '
        'in the network [synthetic figures for an included config, else your training data]',
    )
    parser.add_argument('--json', metavar='FILE', help='write all numbers into this file')
    parser.add_argument(
        '--chart', metavar='FILE', help='draw the speeds; the name ends in .png, .svg or .pdf'
    )
    parser.add_argument('--force', action='store_true', help='replace FILE if it exists')


def positive(text: str) -> int:
    """An integer above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not an integer above 0')
    return int(text)
