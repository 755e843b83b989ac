"""Serve a page in the browser that predicts poses in your pictures and films."""

import argparse
import time
from contextlib import closing
from pathlib import Path

from vitpose_plus.commands.predict_options import MODEL
from vitpose_plus.errors import UserError, needing
from vitpose_plus.inference.defaults import DETECTORS

HOST, PORT = '127.0.0.1', 7860


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--model',
        nargs='+',
        default=[MODEL],
        metavar='NAME',
        help='the models to choose from: released names (vitpose weights), training folders, '
        f'exported files (vitpose export), or a config; the first is the default [{MODEL}]',
    )
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='the weights (file or URL), if --model is a config'
    )
    parser.add_argument(
        '--boxes',
        nargs='+',
        default=list(DETECTORS),
        metavar='NAME',
        help=f'the detectors to choose from: names, or training folders [{" ".join(DETECTORS)}]',
    )
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N [auto]')
    parser.add_argument(
        '--host',
        default=HOST,
        help='the address of this machine at which the page is served; with 0.0.0.0, every machine '
        f'of the network can use the page, without a password [{HOST}]',
    )
    parser.add_argument(
        '--domain',
        nargs='+',
        default=[],
        metavar='NAME',
        help='the names at which a web server in front of the page serves it',
    )
    parser.add_argument('--port', type=port, default=PORT, help=f'the port of the page [{PORT}]')


def port(text: str) -> int:
    """A number from 1 to 65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 1 to 65535')
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code of the signal that stops the server."""
    from vitpose_plus.app.limits import Limits
    from vitpose_plus.app.service import PoseService
    from vitpose_plus.app.serving import check_address, private, serving
    from vitpose_plus.engine.signals import Signals, exit_code

    with needing('gradio', 'app', 'vitpose app'):
        import gradio  # noqa: F401  its absence is reported before models are loaded
    _check_files(args)
    check_address(args.host, args.port)
    checkpoints = {args.model[0]: args.checkpoint} if args.checkpoint else {}
    service = PoseService(
        args.model, checkpoints, detectors=tuple(args.boxes), device=args.device, limits=Limits()
    )
    with closing(service), private(service.root):
        from vitpose_plus.app.page import build

        page = build(service)
        with (
            Signals() as signals,
            serving(
                page, service.folders, service.limits, args.host, args.port, args.domain
            ) as address,
        ):
            print(f'The page is at {address} (Ctrl-C stops it).', flush=True)
            while not signals.received:
                time.sleep(0.1)
    return exit_code(signals.received)


def _check_files(args: argparse.Namespace) -> None:
    """Raises a ``UserError`` for files that would be missing only when a user predicts."""
    from vitpose_plus.checkpoints.fetching import is_local
    from vitpose_plus.inference.boxes.detectors import DETECTORS as NAMES

    if args.checkpoint and len(args.model) > 1:
        raise UserError('--checkpoint is for one model: give one --model.')
    if is_local(args.checkpoint) and not Path(args.checkpoint).exists():
        raise UserError(f'{args.checkpoint} does not exist: give the weights with --checkpoint.')
    for name in args.boxes:
        if name not in NAMES and not Path(name).is_dir():
            raise UserError(
                f'{name} is no detector: give one of {", ".join(NAMES)}, or the training folder of '
                'a detector, with --boxes.'
            )
