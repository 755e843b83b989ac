"""Writes the report when a training has ended.

The modules of ``inference`` are imported only when the report is made.
"""

import json
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from vitpose_plus.errors import UserError, reason
from vitpose_plus.reports.history import ENDED


@HOOKS.register_module()
class ReportHook(Hook):
    """Writes ``report.html`` and ``report.json`` into the training folder (``write_report``).

    It does so after the last iteration or after early stopping, in the main process. A training
    that a signal stops gets no report. If the report cannot be made, a warning has the reason, and
    the training ends normally.
    """

    priority = 'LOWEST'  # after the hooks that save and copy checkpoints

    def after_train(self, runner: Runner) -> None:
        if not is_main_process():
            return
        if runner.val_loop is None:
            runner.logger.info('There is no report, because the training had no validation.')
            return
        runner.logger.info(ENDED)
        try:
            write_report(runner.work_dir)
        except Exception as error:  # the training is complete: nothing may end it with an error
            why = str(error) if isinstance(error, UserError) else reason(error)
            runner.logger.warning(
                'The training is complete, but its report could not be made: '
                f'{why.rstrip(".")}. Make it later with '
                f'vitpose_plus.reports.write_report({runner.work_dir!r}).'
            )
        else:
            for line in summary(runner.work_dir):
                runner.logger.info(line)


def summary(work_dir: str | Path) -> list[str]:
    """Returns sentences with the main numbers of a report, its place and the command for a film."""
    from vitpose_plus.reports.writing import NUMBERS, PAGE

    content = json.loads(Path(work_dir, NUMBERS).read_text(encoding='utf-8'))
    errors = content['splits']['held_out']['overall']
    numbers = ''
    if errors['mean_px'] is not None:
        numbers = f': mean error {errors["mean_px"]:.1f} px, PCK@10 {errors["pck_10px"]:.2f}'
    return [
        f'{content["splits"]["held_out"]["pictures"]} pictures are held out{numbers}.',
        f'The report is {Path(work_dir, PAGE)}.',
        f'For a film: {content["film_command"]}',
    ]


def write_report(work_dir: str | Path) -> None:
    """Writes ``report.html`` and ``report.json`` into the folder of a finished training.

    The predictions are those of ``vitpose predict`` with this folder: its config and its best
    checkpoint, without flip test.

    Args:
        work_dir: The training folder.

    Raises:
        UserError: The folder is no training folder, or its model or data are not those of a
            top-down model of one dataset.
    """
    from vitpose_plus.reports.writing import write

    write(Path(work_dir))
