"""Values as they come from the browser, and updates for it."""

import html
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from vitpose_plus.app import hand_boxes
from vitpose_plus.app.answers import Answer
from vitpose_plus.app.requests import Progress, Request
from vitpose_plus.app.stops import check
from vitpose_plus.errors import UserError

File = dict | None
Table = dict | None


def path_of(file: File) -> Path:
    """Returns the path of an upload."""
    if not file or not file.get('path'):
        raise UserError('There is no picture or film: upload one, or use the camera.')
    return Path(file['path'])


def data_of(rows: Table) -> list[list[Any]]:
    """Returns the rows of a table."""
    data = rows.get('data') if isinstance(rows, dict) else None
    return data if isinstance(data, list) else []


def request_of(
    model: str, dataset: str, boxes: Any, score: Any, overlay: Any, progress: Progress
) -> Request:
    """Returns the request; a ``UserError`` if a value has a wrong type."""
    try:
        score = float(score)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f'The score {score!r} is wrong: choose a number from 0 to 1.') from error
    if isinstance(boxes, list):
        boxes = hand_boxes.read_rows(boxes)
    elif not isinstance(boxes, str | None):
        raise UserError('The boxes are wrong: choose a name, or give a list of boxes.')
    return Request(model, dataset, boxes, score, bool(overlay), progress)


def reporting(progress: gr.Progress, stop: Event) -> Progress:
    """Returns a function that shows the progress, and ends a prediction that is stopped."""

    def report(done: int, total: int | None, text: str) -> None:
        check(stop)
        progress((done, total), desc=text)

    return report


def results(answer: Answer) -> list[Any]:
    """Returns updates for the parts of ``parts.Results``."""
    *_, json, csv = answer.files
    messages = ['The prediction is complete.', *answer.messages]
    return [
        ''.join(f'<p role="status">{html.escape(message)}</p>' for message in messages),
        str(answer.drawn),
        gr.update(value=answer.overlay and str(answer.overlay), visible=bool(answer.overlay)),
        *(gr.update(value=str(file), visible=True) for file in (answer.drawn, json, csv)),
        gr.update(value=dict(headers=list(answer.columns), data=answer.table), visible=True),
    ]
