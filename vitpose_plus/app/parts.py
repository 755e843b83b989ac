"""The parts of the page: settings, boxes by hand, results."""

from collections.abc import Sequence
from typing import NamedTuple

import gradio as gr

from vitpose_plus.app import hand_boxes
from vitpose_plus.app.service import PoseService
from vitpose_plus.inference.defaults import SCORE


class Settings(NamedTuple):
    """The settings of pictures and films."""

    model: gr.Dropdown
    dataset: gr.Dropdown
    boxes: gr.Dropdown
    score: gr.Slider
    overlay: gr.Checkbox


class Hand(NamedTuple):
    """The part in which boxes are drawn by hand."""

    part: gr.Column
    picture: gr.Image
    file: gr.State  # the path of the picture without boxes
    corner: gr.State  # the first of two corners
    table: gr.Dataframe
    clear: gr.Button


class Results(NamedTuple):
    """The parts that show an answer."""

    messages: gr.HTML
    drawn: gr.Image | gr.Video
    heatmaps: gr.Image | gr.Video
    drawn_file: gr.DownloadButton
    json_file: gr.DownloadButton
    csv_file: gr.DownloadButton
    table: gr.Dataframe


def add_settings(service: PoseService) -> Settings:
    model = service.models[0]
    models = [(service.title(each), each) for each in service.models]
    datasets = service.datasets(model)
    boxes = service.boxes(model, datasets[0].value)
    narrow = dict(min_width=240)  # one column on a phone
    with gr.Row():
        choices = (
            gr.Dropdown(models, label='Model', filterable=False, **narrow),
            gr.Dropdown(datasets, label='Keypoints (dataset)', filterable=False, **narrow),
            gr.Dropdown(boxes, label='Boxes of people and animals', filterable=False, **narrow),
        )
    with gr.Row():
        with gr.Column(**narrow):
            score = gr.Slider(0, 1, SCORE, step=0.01, label='Draw keypoints with a score above')
        with gr.Column(**narrow):
            overlay = gr.Checkbox(label='Also draw the heatmaps')
    return Settings(*choices, score, overlay)


def add_hand() -> Hand:
    with gr.Column(visible=False, elem_id='hand') as part:
        gr.Markdown('Click two opposite corners of each box, or type the pixels into the table.')
        picture = gr.Image(
            show_label=False,  # it would cover a corner of the picture
            interactive=False,
            buttons=['fullscreen'],
            alt_text='The picture with the boxes that you have drawn',
            elem_id='hand-picture',
        )
        table = gr.Dataframe(
            label='Boxes',
            headers=list(hand_boxes.COLUMNS),
            datatype='number',
            column_count=len(hand_boxes.COLUMNS),
            type='array',
            buttons=[],
            interactive=True,
            elem_id='hand-table',
        )
        clear = gr.Button('Remove all boxes', size='sm')
    return Hand(part, picture, gr.State(), gr.State(), table, clear)


def add_results(
    kind: type[gr.Image] | type[gr.Video], name: str, buttons: Sequence[str]
) -> Results:
    """Adds the results of one kind of upload; all but the drawing are hidden until they exist.

    Args:
        kind: Shows the drawing.
        name: The name of the kind for the user.
        buttons: Gradio's names of the buttons on the drawing.
    """
    shown = dict(interactive=False, buttons=buttons)
    drawn = kind(label='Keypoints', elem_id=f'{name}-drawn', **shown)
    messages = gr.HTML(elem_id=f'{name}-messages')
    heatmaps = kind(label='Heatmaps', visible=False, elem_id=f'{name}-heatmaps', **shown)
    with gr.Row():
        files = [
            gr.DownloadButton(
                f'Download {word}',
                visible=False,
                size='md',
                min_width=140,
                elem_id=f'{name}-{word}',
            )
            for word in (name, 'json', 'csv')
        ]
    table = gr.Dataframe(
        label='Keypoints in pixels',
        interactive=False,
        visible=False,
        max_height=400,
        buttons=['copy'],
        elem_id=f'{name}-table',
    )
    return Results(messages, drawn, heatmaps, *files, table)
