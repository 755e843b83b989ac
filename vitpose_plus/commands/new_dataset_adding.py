"""The option ``--add`` of ``new-dataset``: all labels of a folder, and others that are added."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from vitpose_plus.experiments.new_dataset.recording import Collected

ALLOWED = ('name', 'add', 'out', 'pictures', 'force')


class Add(argparse.Action):
    """Keeps the label files of ``--add``, and makes LABELS optional.

    With ``nargs='*'`` instead, LABELS could not stand after an option.

    Args:
        labels: The argument LABELS.
    """

    def __init__(self, *args: Any, labels: argparse.Action, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._labels = labels

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        self._labels.required = False
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *values])


def add_arguments(parser: argparse.ArgumentParser, labels: argparse.Action) -> None:
    parser.add_argument(
        '--add',
        nargs='+',
        action=Add,
        labels=labels,
        metavar='LABELS',
        help='in place of LABELS: add these labels to the dataset that new-dataset wrote before, '
        'with its options; the held-out pictures stay the same, and the new ones are trained',
    )


def added_labels(args: argparse.Namespace, out: Path) -> 'Collected':
    """Reads the labels of the dataset's folder and those of ``--add``.

    Raises:
        UserError: Other options are given, the folder has no options or was changed by hand, or the
            labels do not fit.
    """
    from vitpose_plus.datasets.labels.reading import LabelFiles
    from vitpose_plus.experiments.new_dataset.adding import add_labels
    from vitpose_plus.experiments.new_dataset.recording import check_unchanged, read_options

    for key, value in vars(args).items():
        if key not in ALLOWED and value not in (None, []) and value is not False:
            option = 'LABELS' if key == 'labels' else f'--{key.replace("_", "-")}'
            raise UserError(f'--add uses the options of {out} again: leave out {option}.')
    options = read_options(out)
    if options.name != args.name:
        raise UserError(f'{out} is the folder of the dataset {options.name}: give this NAME.')
    if not args.force:
        check_unchanged(out, options)
    given = LabelFiles(tuple(map(Path, args.add)), args.pictures and Path(args.pictures))
    return add_labels(out, options, given, args.force)
