"""The options of ``predict`` and ``test`` that make a network faster."""

import argparse

# ``auto``, and the keys of ``inference.precisions.PRECISIONS``.
PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')


def add_arguments(parser: argparse.ArgumentParser, precision: str) -> None:
    """Adds the options; ``precision`` is the default."""
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default=precision,
        help='the precision of the network; fp16 is for GPUs; auto is bf16 where the device has '
        f'instructions for it, else fp32 [{precision}]',
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='make the network faster with torch.compile; the first batch takes a minute or more',
    )
