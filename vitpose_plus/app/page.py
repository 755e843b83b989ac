"""The page: where its parts are, and which action follows which event."""

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

from vitpose_plus.app.actions import FILM, PICTURE, PREDICT, PREDICT_FILM, Actions
from vitpose_plus.app.parts import Hand, Results, add_hand, add_results, add_settings
from vitpose_plus.app.service import PoseService

TITLE = 'ViTPose: keypoints of people and animals'
INTRODUCTION = f"""# {TITLE}

Finds keypoints in pictures and short films, on the machine that serves this page. Nothing is sent
to other machines."""
WAITING = 10  # predictions in the queue; with more, the page asks to try again
# On a phone, the result is below the screen. (``scroll_to_output`` of Gradio does nothing.)
SCROLL = """() => setTimeout(() => {{  // the result needs some time until it has its size
    const result = document.querySelector('#{}-drawn');
    if (result.getBoundingClientRect().top > innerHeight / 2) result.scrollIntoView();
}}, 300)"""
HEAVY = dict(preprocess=False, concurrency_id='model', concurrency_limit=1, scroll_to_output=True)
LIGHT = dict(
    preprocess=False,
    concurrency_limit=None,  # they do not wait for a prediction
    api_visibility='private',
    show_progress='hidden',
)
Step = tuple  # the arguments of an event: function, inputs, outputs


class Buttons(NamedTuple):
    """The buttons of pictures or films."""

    predict: gr.Button
    stop: gr.Button


def build(service: PoseService) -> gr.Blocks:
    """Returns the page of a service. All parts are made here, and nothing is predicted."""
    actions = Actions(service)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Accordion('Settings', open=False):
            settings = add_settings(service)
            licences = gr.Markdown()
        with gr.Tab('Picture'):
            picture, hand, buttons, results = _add_picture()
        with gr.Tab('Film'):
            film, film_buttons, film_results = _add_film()
        model, dataset, boxes = settings[:3]
        names = [buttons.predict, film_buttons.predict]
        naming = actions.name_buttons, [model, boxes, picture], names
        showing = actions.show_for_boxes, [picture, boxes, hand.table], list(hand[:4])
        chosen = [licences, dataset, boxes, picture, hand.table, *results]
        for event in (page.load, model.input):
            _run(event, (actions.choose_model, [model, picture, boxes], chosen), naming, showing)
        choosing = actions.choose_dataset, [model, dataset, boxes], boxes
        _run(dataset.input, choosing, naming, showing)
        _run(boxes.input, naming, showing)
        clearing = lambda: [[], *actions.clear()], None, [hand.table, *results]
        _run(picture.input, clearing, naming, showing)
        _run(film.input, (actions.clear, None, list(film_results)))
        _connect_hand(actions, hand, showing)
        predicting = actions.predict_picture, [picture, hand.table, *settings], list(results)
        _connect_buttons(actions, PICTURE, buttons, predicting, naming)
        predicting = actions.predict_film, [film, *settings], list(film_results)
        _connect_buttons(actions, FILM, film_buttons, predicting, naming)
        page.unload(actions.leave)
    return page.queue(max_size=WAITING, api_open=False, default_concurrency_limit=1)


def _run(event: Callable[..., Any], *steps: Step) -> None:
    """Runs steps after an event, one after the other."""
    for step in steps:
        event = event(*step, **LIGHT).then


def _connect_hand(actions: Actions, hand: Hand, showing: Step) -> None:
    _run(hand.clear.click, (list, None, hand.table), showing)
    drawn = [hand.picture, hand.corner]
    known = [hand.file, hand.table]
    _run(hand.table.input, (actions.edit, known, drawn))
    _run(hand.picture.select, (actions.click, [*known, hand.corner], [hand.table, *drawn]))


def _connect_buttons(
    actions: Actions, kind: str, buttons: Buttons, predicting: Step, naming: Step
) -> None:
    """Connects the buttons of a kind of uploads with its actions."""
    predict, inputs, results = predicting
    started = buttons.predict.click(
        _of_kind(actions.start, kind), None, [buttons.stop, *results], **LIGHT
    )
    predicted = started.success(
        predict, inputs, results, api_name=f'predict_{kind}', show_progress_on=results[1], **HEAVY
    )
    ending = _of_kind(actions.end, kind), None, buttons.stop
    _run(predicted.success, ending, naming)
    _run(predicted.failure, ending)
    predicted.success(None, js=SCROLL.format(kind), **LIGHT)
    buttons.stop.click(_of_kind(actions.stop, kind), None, None, **LIGHT)


def _of_kind(action: Callable[[str, gr.Request], Any], kind: str) -> Callable[[gr.Request], Any]:
    def acting(visitor: gr.Request) -> Any:
        return action(kind, visitor)

    return acting


def _add_picture() -> tuple[gr.Image, Hand, Buttons, Results]:
    with gr.Row():
        with gr.Column():
            picture = gr.Image(
                label='Your picture',
                sources=['upload', 'webcam', 'clipboard'],
                type='filepath',
                webcam_options=gr.WebcamOptions(mirror=False),  # left stays left
                buttons=['fullscreen'],
                alt_text='The picture that you gave',
                elem_id='picture',
            )
            buttons = _add_buttons(PREDICT, PICTURE)
            hand = add_hand()
        with gr.Column():
            results = add_results(gr.Image, PICTURE, ['download', 'fullscreen'])
    return picture, hand, buttons, results


def _add_film() -> tuple[gr.Video, Buttons, Results]:
    with gr.Row():
        with gr.Column():
            film = gr.Video(
                label='Your film',
                sources=['upload', 'webcam'],
                webcam_options=gr.WebcamOptions(mirror=False),
                buttons=[],
                elem_id='film',
            )
            buttons = _add_buttons(PREDICT_FILM, FILM)
        with gr.Column():
            results = add_results(gr.Video, FILM, ['download'])
    return film, buttons, results


def _add_buttons(text: str, kind: str) -> Buttons:
    return Buttons(
        gr.Button(text, variant='primary', size='md', elem_id=f'predict-{kind}'),
        gr.Button('Stop', variant='stop', size='md', visible=False, elem_id=f'stop-{kind}'),
    )
