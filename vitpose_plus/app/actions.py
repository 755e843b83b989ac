"""What the page does after each event: functions of values as they come from the browser.

The values are not checked by Gradio (``preprocess=False``), because Gradio opens pictures before
their size is known. A file is a mapping with ``path``, and a table is a mapping with ``data``.
"""

import html
import shutil
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from vitpose_plus.app import hand_boxes
from vitpose_plus.app.answers import Answer
from vitpose_plus.app.choices import HAND
from vitpose_plus.app.examples import Example, button_text, example_of, licence_text
from vitpose_plus.app.folders import EXAMPLES
from vitpose_plus.app.parts import Results
from vitpose_plus.app.requests import Progress, Request
from vitpose_plus.app.service import PoseService
from vitpose_plus.app.stops import Stops, check
from vitpose_plus.app.toasts import in_one_sentence
from vitpose_plus.errors import UserError

PREDICT, PREDICT_FILM = 'Predict', 'Predict the film'
PICTURE, FILM = 'picture', 'film'

File = dict | None
Table = dict | None


class Actions:
    """The functions behind the page.

    Args:
        service: Predicts.
    """

    def __init__(self, service: PoseService) -> None:
        self.service, self.stops = service, Stops()

    @in_one_sentence
    def choose_model(self, model: str, picture: File, boxes: str | None) -> list[Any]:
        """Returns updates for licences, keypoints, boxes, picture, boxes by hand and results.

        A picture of the user and its boxes stay; else the example of the model is chosen.
        """
        example = self._example(model)
        if self._is_own(picture):
            chosen, shown = boxes, [gr.skip() for _ in (picture, boxes, *Results._fields)]
        else:
            drawn = example.boxes if isinstance(example.boxes, list) else []
            drawn = [[round(value) for value in box] for box in drawn]
            chosen = HAND if drawn else example.boxes
            shown = [str(example.path), drawn, *self.clear()]
        return [
            '\n\n'.join(licence_text(self.service, model)),
            gr.update(choices=self.service.datasets(model), value=example.dataset),
            self.choose_dataset(model, example.dataset, chosen),
            *shown,
        ]

    @in_one_sentence
    def choose_dataset(self, model: str, dataset: str, boxes: str | None) -> dict:
        """Returns an update for the boxes; keeps those that are chosen, if they are possible."""
        choices = self.service.boxes(model, dataset)
        values = [choice.value for choice in choices]
        value = boxes if boxes in values else next(iter(values), None)
        return gr.update(choices=choices, value=value, visible=bool(choices))

    @in_one_sentence
    def name_buttons(self, model: str, boxes: str | None, picture: File) -> list[str]:
        """Returns the texts of both buttons, which state what is downloaded."""
        own = PREDICT if self._is_own(picture) else f'{PREDICT} {self._example(model).title}'
        return [button_text(self.service, model, boxes, text) for text in (own, PREDICT_FILM)]

    @staticmethod
    def clear() -> list[Any]:
        """Returns updates that remove the results of an earlier prediction."""
        hidden = [gr.update(value=None, visible=False) for _ in Results._fields[2:]]
        return ['', None, *hidden]

    @in_one_sentence
    def start(self, kind: str, visitor: gr.Request) -> list[Any]:
        """Returns updates for the button that stops the prediction, and for the results."""
        self.stops.add(visitor.session_hash, kind)
        return [gr.update(visible=True), *self.clear()]

    def stop(self, kind: str, visitor: gr.Request) -> None:
        """Stops the prediction; it ends with a sentence."""
        self.stops.stop(visitor.session_hash, kind)

    def end(self, kind: str, visitor: gr.Request) -> dict:
        """Returns an update for the button that stops the prediction."""
        self.stops.remove(visitor.session_hash, kind)
        return gr.update(visible=False)

    def leave(self, visitor: gr.Request) -> None:
        """Stops the predictions of a page that is closed."""
        self.stops.leave(visitor.session_hash)

    @in_one_sentence
    def show_for_boxes(self, picture: File, boxes: str | None, rows: Table) -> list[Any]:
        """Returns updates for the part of boxes by hand, its picture, file and first corner."""
        if boxes != HAND:
            return [gr.update(visible=False), None, None, None]
        file = self.service.shown(_path(picture)) if picture else None
        return [gr.update(visible=True), *self._drawn(file, rows, None), file, None]

    @in_one_sentence
    def click(
        self, file: Path | None, rows: Table, corner: tuple | None, event: gr.SelectData
    ) -> list[Any]:
        """Returns updates for the table of boxes, the picture and the first corner."""
        point = tuple(float(value) for value in event.index)
        if corner is None:
            return [gr.skip(), *self._drawn(file, rows, point), point]
        boxes = [*hand_boxes.complete_rows(_data(rows)), hand_boxes.ordered(corner, point)]
        return [boxes, *self._drawn(file, dict(data=boxes), None), None]

    @in_one_sentence
    def edit(self, file: Path | None, rows: Table) -> list[Any]:
        """Returns updates for the picture and the first corner."""
        return [*self._drawn(file, rows, None), None]

    @in_one_sentence
    def predict_picture(
        self,
        picture: File,
        rows: Table,
        model: str,
        dataset: str,
        boxes: str | None,
        score: float,
        overlay: bool,
        visitor: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio reads the default
    ) -> list[Any]:
        """Predicts the keypoints in a picture. ``rows`` are used if ``boxes`` is ``hand``."""
        given = _data(rows) if boxes == HAND else boxes
        with self.stops.running(visitor.session_hash, PICTURE) as stop:
            report = _reporting(progress, stop)
            request = _request(model, dataset, given, score, overlay, report)
            return _results(self.service.picture(_path(picture), request))

    @in_one_sentence
    def predict_film(
        self,
        film: File,
        model: str,
        dataset: str,
        boxes: str | None,
        score: float,
        overlay: bool,
        visitor: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio reads the default
    ) -> list[Any]:
        """Predicts the keypoints in every frame of a film."""
        with self.stops.running(visitor.session_hash, FILM) as stop:
            report = _reporting(progress, stop)
            request = _request(model, dataset, boxes, score, overlay, report)
            return _results(self.service.film(_path(film), request))

    def _example(self, model: str) -> Example:
        """Returns the example, whose file is in the folder that the page may serve."""
        example = example_of(self.service, model)
        path = self.service.root / EXAMPLES / example.path.name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(example.path, path)
        return example._replace(path=path)

    def _is_own(self, picture: File) -> bool:
        """Whether this is a picture of the user, and not the example."""
        return bool(picture) and Path(picture['path']).parent != self.service.root / EXAMPLES

    def _drawn(self, file: Path | None, rows: Table, corner: tuple | None) -> list[str | None]:
        boxes = hand_boxes.complete_rows(_data(rows))
        self.service.limits.check_most_boxes(len(boxes))
        return [file and str(hand_boxes.draw(file, boxes, corner))]


def _path(file: File) -> Path:
    if not file or not file.get('path'):
        raise UserError('There is no picture or film: upload one, or use the camera.')
    return Path(file['path'])


def _data(rows: Table) -> list[list[Any]]:
    data = rows.get('data') if isinstance(rows, dict) else None
    return data if isinstance(data, list) else []


def _request(
    model: str, dataset: str, boxes: Any, score: Any, overlay: Any, progress: Progress
) -> Request:
    try:
        score = float(score)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f'The score {score!r} is wrong: choose a number from 0 to 1.') from error
    if isinstance(boxes, list):
        boxes = hand_boxes.read_rows(boxes)
    elif not isinstance(boxes, str | None):
        raise UserError('The boxes are wrong: choose a name, or give a list of boxes.')
    return Request(model, dataset, boxes, score, bool(overlay), progress)


def _reporting(progress: gr.Progress, stop: Event) -> Progress:
    """Returns a function that shows the progress, and ends a prediction that is stopped."""

    def report(done: int, total: int | None, text: str) -> None:
        check(stop)
        progress((done, total), desc=text)

    return report


def _results(answer: Answer) -> list[Any]:
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
