"""Measure the speed of a model beside other programs and the limit of the machine."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitpose_plus import files
from vitpose_plus.commands.benchmark_options import add_arguments
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from vitpose_plus.benchmarking.subjects import Subject

__all__ = ['add_arguments', 'run']
CHARTS = ('.png', '.svg', '.pdf')


def run(args: argparse.Namespace) -> None:
    from vitpose_plus.benchmarking.machine import describe, use_threads
    from vitpose_plus.benchmarking.plans import Plan
    from vitpose_plus.benchmarking.reporting import draw_chart, print_all, workers, write_json
    from vitpose_plus.benchmarking.running import choose, measure_all
    from vitpose_plus.benchmarking.subjects import CONFIG, open_subject
    from vitpose_plus.experiments.catalogue import load_config
    from vitpose_plus.inference.engines.opening import device_of, is_exported
    from vitpose_plus.inference.models import origin_of
    from vitpose_plus.inference.precisions import precision_of

    check_places(args)
    name = args.model or CONFIG.format(args.size)
    kinds = list(dict.fromkeys(args.what))
    choice = choose(name, kinds, list(dict.fromkeys(args.engine)), not args.no_competitors)
    origin = origin_of(name, args.checkpoint)
    device = device_of(name, args.device) if is_exported(name) else origin.device_of(args.device)
    calibrate = load_config(args.calibrate) if args.calibrate else None
    if args.threads:
        use_threads(args.threads)
    precisions = tuple(dict.fromkeys(args.precision or ('fp32', precision_of('auto', device))))
    with tempfile.TemporaryDirectory() as folder:
        print(f'Loading {name} ...')
        subject = open_subject(name, args.checkpoint, args.dataset, device, Path(folder))
        counts = dict(batch=args.batch, rounds=args.rounds, pictures=args.pictures)
        places = dict(folder=Path(folder), calibrate=calibrate, on_message=print)
        plan = Plan(subject, precisions=precisions, device=device, **counts, **places)
        rows = measure_all(plan, kinds, choice.contenders)
    facts = facts_of(args, subject) | dict(machine=describe(device))
    notes = [*filter(None, [random_note(subject), workers(rows)]), *choice.notes, *plan.notes]
    print_all(facts, rows, notes)
    if args.json:
        write_json(Path(args.json), facts, rows, notes)
    if args.chart:
        draw_chart(Path(args.chart), facts, rows)


def check_places(args: argparse.Namespace) -> None:
    """Checks the options that need no model; raises a ``UserError``."""
    for path, endings in ((args.json, ()), (args.chart, CHARTS)):
        if path:
            files.check_output(path, endings)
            files.refuse_existing(path, args.force)
    if args.json and args.chart and Path(args.json).resolve() == Path(args.chart).resolve():
        raise UserError(f'--json and --chart both name {args.json}: give two names.')
    if args.checkpoint and not args.model:
        raise UserError('--checkpoint has the weights of --model: give the config with --model.')


def facts_of(args: argparse.Namespace, subject: 'Subject') -> dict[str, Any]:
    """The settings of the measurement."""
    return dict(
        model=Path(subject.config).name,
        weights='random' if subject.is_random else 'given',
        datasets=list(subject.datasets),
        input_hw=list(subject.input_hw),
        batch=args.batch,
        pictures=args.pictures,
        rounds=args.rounds,
    )


def random_note(subject: 'Subject') -> str | None:
    """Says that weights are random, which does not change the speed."""
    if not subject.is_random:
        return None
    return 'The weights are random; the speed does not depend on them.'
