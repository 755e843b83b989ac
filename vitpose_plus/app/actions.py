"""What the page does after each event: functions of values as they come from the browser.

The values are not checked by Gradio (``preprocess=False``), because Gradio opens pictures before
their size is known. A file is a mapping with ``path``, and a table is a mapping with ``data``.
"""

import shutil
from pathlib import Path
from typing import Any

import gradio as gr

from vitpose_plus.app import hand_boxes
from vitpose_plus.app.choices import HAND
from vitpose_plus.app.examples import Example, button_text, example_of, licence_text
from vitpose_plus.app.folders import EXAMPLES
from vitpose_plus.app.parts import Results
from vitpose_plus.app.service import PoseService
from vitpose_plus.app.stops import Stops
from vitpose_plus.app.toasts import in_one_sentence
from vitpose_plus.app.values import (
    File,
    Table,
    data_of,
    path_of,
    reporting,
    request_of,
    results,
)

PREDICT, PREDICT_FILM = 'Predict', 'Predict the film'
PICTURE, FILM = 'picture', 'film'


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
        is_example = picture and not self._is_own(picture)
        first = f'{PREDICT} {self._example(model).title}' if is_example else PREDICT
        return [button_text(self.service, model, boxes, text) for text in (first, PREDICT_FILM)]

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
        file = self.service.shown(path_of(picture)) if picture else None
        return [gr.update(visible=True), *self._drawn(file, rows, None), file, None]

    @in_one_sentence
    def click(
        self, file: Path | None, rows: Table, corner: tuple | None, event: gr.SelectData
    ) -> list[Any]:
        """Returns updates for the table of boxes, the picture and the first corner."""
        point = tuple(float(value) for value in event.index)
        if corner is None:
            return [gr.skip(), *self._drawn(file, rows, point), point]
        boxes = [*hand_boxes.complete_rows(data_of(rows)), hand_boxes.ordered(corner, point)]
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
        given = data_of(rows) if boxes == HAND else boxes
        with self.stops.running(visitor.session_hash, PICTURE) as stop:
            report = reporting(progress, stop)
            request = request_of(model, dataset, given, score, overlay, report)
            return results(self.service.picture(path_of(picture), request))

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
            report = reporting(progress, stop)
            request = request_of(model, dataset, boxes, score, overlay, report)
            return results(self.service.film(path_of(film), request))

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
        boxes = hand_boxes.complete_rows(data_of(rows))
        self.service.limits.check_most_boxes(len(boxes))
        return [file and str(hand_boxes.draw(file, boxes, corner))]
