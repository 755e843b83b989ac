"""The page: where its parts are, and which action follows which event."""

import gradio as gr

from vitpose_plus.app.actions import PREDICT, Actions
from vitpose_plus.app.parts import Hand, Settings, add_hand, add_results, add_settings
from vitpose_plus.app.service import PoseService

TITLE = 'ViTPose: keypoints of people and animals'
INTRODUCTION = f"""# {TITLE}

Finds keypoints in pictures and short films, on the machine that serves this page. Nothing is sent
to other machines."""
WAITING = 10  # predictions in the queue; with more, the page asks to try again
HEAVY = dict(preprocess=False, concurrency_id='model', concurrency_limit=1)
LIGHT = dict(
    preprocess=False,
    concurrency_limit=None,  # they do not wait for a prediction
    api_visibility='private',
    show_progress='hidden',
)


def build(service: PoseService) -> gr.Blocks:
    """Returns the page of a service. All parts are made here, and nothing is predicted."""
    actions = Actions(service)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Accordion('Settings', open=False):
            settings = add_settings(service)
            licences = gr.Markdown()
        with gr.Tab('Picture'):
            picture, hand, button = _add_picture(actions, settings)
        with gr.Tab('Film'):
            _add_film(actions, settings)
        model, dataset, boxes = settings[:3]
        chosen = [licences, dataset, boxes, picture, hand.table]
        for event in (page.load, model.input):
            event(actions.choose_model, [model, picture, boxes], chosen, **LIGHT).then(
                *_showing(actions, picture, settings, hand), **LIGHT
            ).then(actions.name_button, [model, picture], button, **LIGHT)
        dataset.input(actions.choose_dataset, [model, dataset, boxes], boxes, **LIGHT)
    return page.queue(max_size=WAITING, api_open=False, default_concurrency_limit=1)


def _add_picture(actions: Actions, settings: Settings) -> tuple[gr.Image, Hand, gr.Button]:
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
            button = gr.Button(PREDICT, variant='primary', size='md', elem_id='predict-picture')
            hand = add_hand()
        with gr.Column():
            results = add_results(gr.Image, 'picture', ['download', 'fullscreen'])
    _connect_hand(actions, picture, settings, hand, button)
    button.click(
        actions.predict_picture,
        [picture, hand.table, *settings],
        list(results),
        api_name='predict_picture',
        show_progress_on=results.drawn,
        **HEAVY,
    ).success(actions.name_button, [settings.model, picture], button, **LIGHT)
    return picture, hand, button


def _connect_hand(
    actions: Actions, picture: gr.Image, settings: Settings, hand: Hand, button: gr.Button
) -> None:
    showing = _showing(actions, picture, settings, hand)
    picture.input(lambda: [PREDICT, []], None, [button, hand.table], **LIGHT).then(
        *showing, **LIGHT
    )
    settings.boxes.input(*showing, **LIGHT)
    hand.clear.click(list, None, hand.table, **LIGHT).then(*showing, **LIGHT)
    drawn = [hand.picture, hand.corner]
    known = [hand.file, hand.table]
    hand.table.input(actions.edit, known, drawn, **LIGHT)
    hand.picture.select(actions.click, [*known, hand.corner], [hand.table, *drawn], **LIGHT)


def _showing(actions: Actions, picture: gr.Image, settings: Settings, hand: Hand) -> tuple:
    """The arguments of an event that shows or hides the boxes by hand."""
    return actions.show_for_boxes, [picture, settings.boxes, hand.table], list(hand[:4])


def _add_film(actions: Actions, settings: Settings) -> None:
    with gr.Row():
        with gr.Column():
            film = gr.Video(
                label='Your film',
                sources=['upload', 'webcam'],
                webcam_options=gr.WebcamOptions(mirror=False),
                buttons=[],
                elem_id='film',
            )
            button = gr.Button(
                'Predict the film', variant='primary', size='md', elem_id='predict-film'
            )
        with gr.Column():
            results = add_results(gr.Video, 'film', ['download'])
    button.click(
        actions.predict_film,
        [film, *settings],
        list(results),
        api_name='predict_film',
        show_progress_on=results.drawn,
        **HEAVY,
    )
