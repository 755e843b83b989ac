"""The page through Gradio's client: answers of predict, errors in one sentence, nothing foreign."""

import json
import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.helpers.demo import TINY
from tests.helpers.films import write_film
from tests.helpers.pages import served, write_large
from tests.helpers.tiny_figures import FILE
from vitpose_plus.app.choices import HAND
from vitpose_plus.app.examples import example_of
from vitpose_plus.app.serving import private
from vitpose_plus.commands import main

gradio = pytest.importorskip('gradio')
import gradio_client
import httpx
import huggingface_hub

from vitpose_plus.app import page
from vitpose_plus.app.actions import Actions

VISITOR = SimpleNamespace(session_hash='a')
BOXES = [[5, 5, 150, 200], [100, 20, 250, 220]]


@pytest.fixture(scope='module')
def contacted():
    """The hosts that this process has contacted."""
    hosts, find = set(), socket.getaddrinfo

    def recording(host, *args, **kwargs):
        hosts.add(host)
        return find(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, 'getaddrinfo', recording)
        yield hosts


@pytest.fixture(scope='module')
def address(service, contacted):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, 'WAITING', 3)
        with served(service) as address:
            yield address


@pytest.fixture(scope='module')
def client(address, tmp_path_factory):
    """Gradio's client, which contacts Hugging Face by default; here it does not."""
    quiet = dict(verbose=False, analytics_enabled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
        folder = tmp_path_factory.mktemp('downloads')
        yield gradio_client.Client(address, download_files=folder, **quiet)


@pytest.fixture
def predict(client):
    """Predicts a file: (file, boxes by hand or the name of boxes) -> the parts of the answer."""

    def predict(file, boxes=BOXES, **settings):
        rows = boxes if isinstance(boxes, list) else []
        request = dict(
            picture=gradio_client.handle_file(file),
            rows=dict(headers=list('abcd'), data=rows),
            model=TINY,
            dataset='coco',
            boxes=HAND if rows else boxes,
        )
        return client.predict(**request | settings, api_name='/predict_picture')

    return predict


def file_of(update):
    return Path(update['value'])


def test_the_files_are_those_of_predict(predict, mixed, tmp_path):
    """Also the table has the same numbers."""
    rows = ''.join(f'{mixed.name},{",".join(map(str, box))}\n' for box in BOXES)
    (tmp_path / 'boxes.csv').write_text(f'source,x1,y1,x2,y2\n{rows}')
    words = ['--model', TINY, '--checkpoint', str(FILE), '--boxes', tmp_path / 'boxes.csv']
    words += ['--dataset', 'coco', '--no-draw', '--out', tmp_path / 'out']
    main(['predict', str(mixed), *map(str, words)])
    expected = json.loads((tmp_path / 'out' / 'predictions.ndjson').read_text())
    status, drawn, heatmaps, picture, lines, csv, table = predict(mixed, overlay=True)
    assert 'complete' in status
    line = json.loads(file_of(lines).read_text())
    assert [each['keypoints'] for each in line['instances']] == [
        each['keypoints'] for each in expected['instances']
    ]
    assert len(line['instances']) == len(BOXES)
    points = [point for each in line['instances'] for point in each['keypoints']]
    assert [row[-3:] for row in table['value']['data']] == points
    assert file_of(csv).read_text().count('\n') == 1 + len(points)
    with Image.open(mixed) as image:
        sizes = [Image.open(file).size for file in (drawn, file_of(heatmaps), file_of(picture))]
        assert sizes == [image.size] * 3


def test_the_server_contacts_no_other_machine(predict, mixed, contacted):
    predict(mixed)
    assert contacted == {'127.0.0.1'}


@pytest.fixture(scope='module')
def hostile(tmp_path_factory):
    """A folder with files that are not usable pictures."""
    folder = tmp_path_factory.mktemp('hostile')
    write_large(folder / 'large.png')
    (folder / 'text.jpg').write_text('no picture')
    (folder / 'vector.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    return folder


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('large.png', r'^large.png has .*megapixels.*: make it smaller.$'),
        ('text.jpg', r'^text.jpg cannot be read as a picture: send '),
        ('vector.svg', r'^vector.svg cannot be read as a picture: send '),
    ],
)
def test_files_that_are_no_usable_pictures_get_one_sentence(predict, hostile, name, message):
    with pytest.raises(gradio_client.exceptions.AppError, match=message):
        predict(hostile / name)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(model='../other'), r"The page has no model '../other': choose one of"),
        (dict(dataset='horse'), r"The page has no keypoints 'horse': choose one of"),
        (dict(boxes='/etc/passwd'), r"The page has no boxes '/etc/passwd': choose one of"),
        (dict(score='high'), r"The score 'high' is wrong: choose a number from 0 to 1"),
        (dict(score=10**400), r'The score 1\d+ is wrong: choose a number from 0 to 1'),
        (dict(boxes=5), r'The boxes are wrong: choose a name, or give a list of boxes'),
        (dict(boxes=True), r'The boxes are wrong'),
        (dict(boxes=[5]), r'The box in row 1 is wrong'),
        (dict(boxes=[[1, 2, 3, 10**400]]), r'The box in row 1 is wrong'),
        (dict(boxes=HAND, rows=[[1, 2, 3, 4]]), r'No box is drawn'),
        (dict(boxes=HAND, rows=dict(data=[[1, 2, 'x', 4]])), r'The box in row 1 is wrong'),
        (dict(picture=None), r'There is no picture or film: upload one, or use the camera'),
    ],
)
def test_settings_that_the_page_does_not_offer_get_one_sentence(service, mixed, settings, message):
    request = dict(picture=dict(path=str(mixed)), rows=None, model=TINY, dataset='coco')
    request |= dict(boxes='whole', score=0.3, overlay=False)
    with pytest.raises(gradio.Error, match=message):
        Actions(service).predict_picture(**request | settings, visitor=VISITOR)


@pytest.mark.parametrize(
    'path', ['/etc/passwd', '{root}/../../etc/passwd', 'setup.cfg', 'http://127.0.0.1:1/a.jpg']
)
def test_a_path_in_the_request_is_never_opened(address, service, path):
    file = dict(path=path.format(root=service.root), meta=dict(_type='gradio.FileData'))
    for data in ([file], [None, dict(headers=[], data=[[file] * 4])]):
        answer = httpx.post(f'{address}/gradio_api/call/predict_picture', json=dict(data=data))
        assert answer.status_code == 403
        assert answer.text.endswith('upload the file itself.')


@pytest.mark.parametrize('path', ['/etc/passwd', 'setup.cfg', '{root}/../../etc/passwd'])
def test_only_files_of_the_page_are_served(address, service, path):
    path = path.format(root=service.root)
    answer = httpx.get(f'{address}/gradio_api/file={path}')
    assert answer.status_code in (403, 404)
    assert 'root:' not in answer.text


def test_other_names_of_the_host_and_other_origins_are_refused(address):
    def status(**headers):
        answer = httpx.get(f'{address}/config', headers=headers)
        assert not any('access-control' in name for name in answer.headers)
        return answer.status_code

    port = address.rsplit(':')[-1]
    for name in ('localhost', '127.0.0.1', '[::1]'):
        own = f'{name}:{port}'
        assert status(host=own, origin=f'http://{own}') == 200
        assert status(host=own, origin='http://example.org') == 403
    assert status(host='example.org') == status(host=f'example.org:{port}') == 400


def test_the_host_is_checked_if_its_names_are_known(tmp_path):
    from vitpose_plus.app.serving import _middleware

    def names(*args):
        return [part.kwargs.get('allowed_hosts') for part in _middleware(None, 1, *args)]

    assert names('0.0.0.0', []) == [None]
    assert names('127.0.0.1', ['a.org'])[0][-1] == names('0.0.0.0', ['a.org'])[0][-1] == 'a.org'


def test_the_picture_of_the_user_stays_when_another_model_is_chosen(service, mixed):
    actions = Actions(service)
    own = dict(path=str(mixed))
    _, _, boxes, *others = actions.choose_model(TINY, own, 'whole')
    assert boxes['value'] == 'whole'
    assert others == [gradio.skip()] * 9
    for picture in own, None:
        assert actions.name_buttons(TINY, 'whole', picture)[0] == 'Predict (no download)'


def test_the_page_starts_with_the_example_of_the_model(service):
    actions = Actions(service)
    _, datasets, boxes, picture, rows, *results = actions.choose_model(TINY, None, None)
    example = example_of(service, TINY)
    assert (datasets['value'], boxes['value']) == (example.dataset, HAND)
    assert Path(picture).is_relative_to(service.root)
    np.testing.assert_allclose(rows, example.boxes, atol=0.5)
    assert results == actions.clear()
    assert actions.name_buttons(TINY, HAND, dict(path=picture)) == [
        'Predict a synthetic figure (no download)',
        'Predict the film (no download)',
    ]


def test_the_buttons_state_the_download_of_the_chosen_boxes(service, mixed, monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    names = Actions(service).name_buttons(TINY, 'rtmdet-m', dict(path=str(mixed)))
    assert names[0].startswith('Predict (downloads the detector rtmdet-m, 110 MB')
    assert names[1].startswith('Predict the film (downloads the detector rtmdet-m, 110 MB')


def test_too_many_boxes_are_not_drawn(service, mixed):
    actions = Actions(service)
    file = service.shown(mixed)
    boxes = [[1, 2, 30, 40]] * (service.limits.boxes + 1)
    with pytest.raises(gradio.Error, match='4 boxes are drawn, and the limit is 3: remove some'):
        actions.edit(file, dict(data=boxes))
    last = SimpleNamespace(index=(9, 9))
    with pytest.raises(gradio.Error, match='4 boxes are drawn'):
        actions.click(file, dict(data=boxes[1:]), (1, 1), last)


def test_a_deleted_picture_is_one_sentence(service):
    with pytest.raises(gradio.Error, match='The picture was deleted after an hour: upload it ag'):
        Actions(service).edit(service.root / 'x' / 'a.png', dict(data=BOXES))


@pytest.mark.parametrize('way', ['stop', 'leave', 'stop while it waits'])
def test_a_stopped_prediction_is_one_sentence_and_leaves_no_files(way, service, tmp_path):
    """Stop is pressed, or the page is closed, after the second of three frames."""
    actions, steps = Actions(service), []
    film = dict(path=str(write_film(tmp_path / 'a.mp4', [0, 40, 80])))
    before = set(service.root.iterdir())

    def progress(step, desc):
        steps.append(step)
        if step == (2, 3):
            actions.leave(VISITOR) if way == 'leave' else actions.stop('film', VISITOR)

    def predict(actions, visitor=VISITOR):
        settings = dict(model=TINY, dataset='coco', boxes='whole', score=0.3, overlay=False)
        return actions.predict_film(film, **settings, visitor=visitor, progress=progress)

    other = SimpleNamespace(session_hash='other')
    actions.start('film', VISITOR)
    actions.start('picture', VISITOR)
    actions.start('film', other)
    with pytest.raises(gradio.Error, match='A prediction waits or runs already: wait, or stop it'):
        actions.start('film', VISITOR)
    if way == 'stop while it waits':
        actions.stop('film', VISITOR)
    with pytest.raises(gradio.Error, match=r'^.The prediction was stopped\..$'):
        predict(actions)
    assert steps == ([] if 'waits' in way else [(0, 3), (0, 3), (1, 3), (2, 3)])
    assert set(service.root.iterdir()) == before
    predict(actions, other)
    actions.end('film', VISITOR)
    actions.start('film', VISITOR)


def test_boxes_by_hand_are_shown_only_if_they_are_chosen(service, mixed):
    actions, own = Actions(service), dict(path=str(mixed))
    part, *others = actions.show_for_boxes(own, 'whole', None)
    assert (part['visible'], others) == (False, [None] * 3)
    part, drawn, file, corner = actions.show_for_boxes(own, HAND, dict(data=BOXES))
    assert part['visible']
    assert corner is None
    assert {Path(drawn).parent, Path(drawn).parents[1]} == {file.parent, service.root}
    assert actions.show_for_boxes(None, HAND, None)[1:] == [None] * 3


def test_an_upload_that_is_too_big_is_refused(address, service):
    files = dict(files=('big.jpg', b'0' * int(service.limits.upload_megabytes * 1e6 + 1000)))
    answer = httpx.post(f'{address}/gradio_api/upload', files=files)
    assert answer.status_code == 413


def test_predictions_run_one_after_the_other_and_the_queue_is_limited(
    client, mixed, service, monkeypatch
):
    running, most, release = [], [], threading.Event()

    def picture(*args, **kwargs):
        running.append(1)
        most.append(len(running))
        release.wait(5)
        running.pop()
        raise RuntimeError('stop')

    monkeypatch.setattr(service, 'picture', picture)
    file = gradio_client.handle_file(mixed)
    jobs = [client.submit(file, api_name='/predict_picture') for _ in range(page.WAITING + 4)]
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(job.exception) for job in jobs]
        end = time.monotonic() + 5
        while not any(each.done() for each in waiting) and time.monotonic() < end:
            time.sleep(0.02)
        refused = [str(each.result()) for each in waiting if each.done()]
        release.set()
        errors = [str(each.result()) for each in waiting]
    assert max(most) == 1
    assert refused
    assert all('ull' in error for error in refused)
    assert (
        sum('An unexpected error (RuntimeError: stop)' in error for error in errors) >= page.WAITING
    )


def test_an_unexpected_error_is_one_sentence_and_a_line_of_the_log(
    predict, mixed, service, monkeypatch, caplog
):
    def picture(*args, **kwargs):
        raise RuntimeError('a <b>fault</b>\nsecond line')

    monkeypatch.setattr(service, 'picture', picture)
    sentence = r'^An unexpected error \(RuntimeError: a &lt;b&gt;fault&lt;/b&gt;\): the log'
    with (
        caplog.at_level(logging.ERROR, 'vitpose_plus'),
        pytest.raises(gradio_client.exceptions.AppError, match=sentence),
    ):
        predict(mixed)
    assert 'predict_picture failed' in caplog.text


def test_the_environment_is_as_before_after_the_page(tmp_path, monkeypatch):
    monkeypatch.setenv('NO_PROXY', 'example.org')
    monkeypatch.delenv('no_proxy', raising=False)
    before = dict(os.environ)
    with private(tmp_path):
        assert os.environ['GRADIO_TEMP_DIR'] == str(tmp_path)
        assert os.environ['GRADIO_ANALYTICS_ENABLED'] == 'False'
        assert os.environ['NO_PROXY'] == 'example.org,localhost,127.0.0.1,::1'
    assert dict(os.environ) == before
