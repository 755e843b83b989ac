"""The page in Chromium: ``pytest -m browser tests/app/test_browser.py``.

The browser is the program in VITPOSE_CHROMIUM, or ``chromium``. With VITPOSE_SCREENSHOTS=FOLDER,
the pictures of docs/app.md are written there.
"""

import json
import os
import re
import shutil
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.films import write_film
from tests.helpers.pages import served, write_large
from tests.helpers.tiny_figures import FILE
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.service import PoseService
from vitpose_plus.inference.predictor import PosePredictor

pytestmark = pytest.mark.browser
DESKTOP, PHONE = dict(width=1280, height=900), dict(width=390, height=844)
BOTH = 'person=coco,animal=ap10k'
# A camera that shows a synthetic film, and that needs no permission.
CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
SECONDS = 1000  # playwright counts milliseconds


@pytest.fixture(scope='module')
def service():
    """A service with the demo's model, a small detector, and a small limit of uploads."""
    limits = Limits(upload_megabytes=3)
    detectors = [str(figures_detector.FOLDER)]
    with closing(PoseService([TINY], {TINY: FILE}, detectors=detectors, limits=limits)) as service:
        yield service


@pytest.fixture(scope='module')
def address(service):
    pytest.importorskip('gradio')
    with served(service) as address:
        yield address


@pytest.fixture(scope='module')
def chromium():
    playwright = pytest.importorskip('playwright.sync_api')
    program = os.environ.get('VITPOSE_CHROMIUM') or shutil.which('chromium')
    if not program:
        pytest.skip('chromium is missing: install it, or set VITPOSE_CHROMIUM to the program')
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=CAMERA)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Opens the page with the example: (viewport) -> page.

    No request goes to another address, and none is refused.
    """
    requested, refused, contexts = [], [], []

    def open_page(viewport=DESKTOP):
        contexts.append(chromium.new_context(viewport=viewport, accept_downloads=True))
        page = contexts[-1].new_page()
        page.set_default_timeout(30 * SECONDS)
        page.on('request', lambda request: requested.append(request.url))
        page.on('response', lambda answer: refused.append(answer.url) if not answer.ok else None)
        page.goto(address)
        page.wait_for_selector('#hand-picture img')
        page.get_by_role('button', name='Predict a synthetic figure').wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    local = (f'{address}/', 'data:', 'blob:')
    assert [url for url in requested if not url.startswith(local)] == []
    assert len(requested) > 10
    assert refused == []


def remove(page):
    """Removes the picture of the page; its boxes by hand also disappear."""
    page.get_by_role('button', name='Remove Image').click()
    page.get_by_role('button', name='Predict (no download)').wait_for()
    page.locator('#hand-picture img').wait_for(state='detached')


def give(page, file):
    """Replaces the picture of the page."""
    remove(page)
    page.locator('#picture input[type=file]').set_input_files(file)


def choose(page, **titles):
    """Chooses titles in the settings, by the first word of the label."""
    page.get_by_role('button', name='Settings').click()
    for label, title in titles.items():
        page.get_by_role('combobox', name=label).click()
        page.get_by_role('option', name=title).click()
    page.get_by_role('button', name='Settings').click()


def predict(page):
    page.locator('#predict-picture').click()
    page.get_by_text('The prediction is complete.').wait_for()
    page.wait_for_selector('#picture-drawn img')


def click_box(page, box):
    """Clicks two corners of a box in pixels of the picture, which may have margins."""
    shown = page.locator('#hand-picture img')
    shown.scroll_into_view_if_needed()
    for corner in (box[:2], box[2:]):
        area = shown.bounding_box()
        size = shown.evaluate('image => [image.naturalWidth, image.naturalHeight]')
        scale = min(area['width'] / size[0], area['height'] / size[1])
        place = [
            (area[side] - scale * size[axis]) / 2 + scale * corner[axis]
            for axis, side in enumerate(('width', 'height'))
        ]
        before = shown.get_attribute('src')
        shown.click(position=dict(x=place[0], y=place[1]))
        page.wait_for_function(
            'before => document.querySelector("#hand-picture img").src != before', arg=before
        )


def download(page, part, folder):
    with page.expect_download() as waiting:
        page.locator(part).click()
    path = Path(folder, waiting.value.suggested_filename)
    waiting.value.save_as(path)
    return path


def sentence(page):
    """Returns the text of the only message about an error, and closes it."""
    message = page.locator('.toast-body')
    message.wait_for()
    assert message.count() == 1
    text = message.inner_text()
    message.get_by_role('button').last.click()
    message.wait_for(state='detached')
    return re.sub(r'^Error\W+', '', text)


@pytest.fixture
def screenshot():
    """Writes a picture for the documentation: (page, name)."""

    def screenshot(page, name, **options):
        if folder := os.environ.get('VITPOSE_SCREENSHOTS'):
            page.mouse.move(0, 0)
            page.wait_for_timeout(1 * SECONDS)  # the transitions of colours
            path = Path(folder, f'{name}.png')
            page.screenshot(path=path, **options)
            Image.open(path).convert('RGB').quantize(256).save(path, optimize=True)

    return screenshot


@pytest.fixture(scope='module')
def predictor():
    return PosePredictor(TINY, FILE, device='cpu')


def keypoints(results):
    return [each['keypoints'] for result in results for each in result.to_dict()['instances']]


def test_a_picture_goes_in_and_the_keypoints_of_predict_come_out(
    open_page, mixed, predictor, tmp_path
):
    page = open_page()
    detector = str(figures_detector.FOLDER)
    give(page, mixed)
    choose(page, Keypoints=BOTH, Boxes=f'the detector {figures_detector.FOLDER.name}')
    predict(page)
    line = json.loads(download(page, '#picture-json', tmp_path).read_text())
    expected = keypoints(predictor(mixed, boxes=detector, dataset=BOTH))
    assert expected
    assert [each['keypoints'] for each in line['instances']] == expected
    drawn = np.asarray(Image.open(download(page, '#picture-picture', tmp_path)).convert('RGB'))
    given = np.asarray(Image.open(mixed).convert('RGB'))
    assert drawn.shape == given.shape
    assert (np.abs(drawn.astype(int) - given) > 60).any(-1).mean() > 0.005
    rows = download(page, '#picture-csv', tmp_path).read_text().splitlines()
    assert len(rows) == 1 + sum(map(len, expected))
    cells = page.locator('#picture-table').inner_text()
    assert 'L_Eye' in cells


def test_two_clicks_draw_a_box(open_page, predictor, tmp_path):
    page = open_page()
    page.get_by_role('button', name='Remove all boxes').click()
    page.wait_for_timeout(1 * SECONDS)
    click_box(page, [40, 40, 190, 200])
    predict(page)
    line = json.loads(download(page, '#picture-json', tmp_path).read_text())
    [instance] = line['instances']
    np.testing.assert_allclose(instance['box'], [40, 40, 190, 200], atol=2)
    picture = download(page, '#picture-picture', tmp_path)
    assert picture.suffix == '.png'


def test_two_clicks_draw_a_box_on_a_tall_picture(open_page, tmp_path):
    Image.new('RGB', (200, 1000)).save(tmp_path / 'tall.png')
    page = open_page()
    give(page, tmp_path / 'tall.png')
    assert page.locator('#picture img').bounding_box()['height'] < DESKTOP['height']
    click_box(page, [20, 100, 180, 900])
    predict(page)
    [instance] = json.loads(download(page, '#picture-json', tmp_path).read_text())['instances']
    np.testing.assert_allclose(instance['box'], [20, 100, 180, 900], atol=4)


def test_the_camera_gives_a_picture(open_page, tmp_path):
    page = open_page()
    remove(page)
    choose(page, Boxes='the whole picture')
    page.locator('#picture').get_by_role('button', name='Capture from camera').click()
    page.locator('#picture').get_by_text('Click to Access Webcam').click()
    capture = page.locator('#picture').get_by_role('button', name='capture photo')
    capture.wait_for()
    page.wait_for_function('document.querySelector("#picture video").currentTime > 0')
    capture.click()
    page.locator('#picture img:not(.hide)').wait_for()
    predict(page)
    line = json.loads(download(page, '#picture-json', tmp_path).read_text())
    assert line['instances'][0]['box'] == [0, 0, line['width'], line['height']]


def test_the_example_runs_with_the_keyboard_alone(open_page):
    page = open_page()
    for _ in range(15):
        page.keyboard.press('Tab')
        focused = page.locator(':focus')
        outline = focused.evaluate('element => getComputedStyle(element).outlineStyle')
        assert outline != 'none', focused.inner_text()
        if focused.get_attribute('id') == 'predict-picture':
            break
    else:
        pytest.fail('the button is not reached in 15 steps')
    page.keyboard.press('Enter')
    page.get_by_text('The prediction is complete.').wait_for()
    page.wait_for_selector('#picture-drawn img')


def test_boxes_can_be_typed(open_page, tmp_path):
    page = open_page()
    page.get_by_role('button', name='Remove all boxes').click()
    page.wait_for_timeout(1 * SECONDS)
    page.locator('#hand-table').get_by_role('button', name='Add row').press('Enter')
    page.locator('#hand-table [role=gridcell]:focus').wait_for()
    page.keyboard.press('Enter')
    for value in (40, 40, 190, 200):
        page.locator('#hand-table textarea:focus').wait_for()
        page.keyboard.press('ControlOrMeta+A')
        page.keyboard.type(str(value), delay=30)
        page.keyboard.press('Tab')
    predict(page)
    [instance] = json.loads(download(page, '#picture-json', tmp_path).read_text())['instances']
    assert instance['box'] == [40, 40, 190, 200]


def is_scrolled(page):
    return page.evaluate('document.documentElement.scrollWidth > window.innerWidth')


def test_a_phone_shows_all_parts_without_horizontal_scrolling(open_page, screenshot):
    page = open_page(PHONE)
    assert not is_scrolled(page)
    assert page.locator('#predict-picture').bounding_box()['y'] < PHONE['height']
    page.get_by_role('button', name='Settings').click()
    page.get_by_label('Also draw the heatmaps').check()
    assert not is_scrolled(page)
    page.get_by_role('button', name='Settings').click()
    screenshot(page, 'app_phone')
    predict(page)
    page.wait_for_selector('#picture-heatmaps img')
    assert not is_scrolled(page)
    top = 'document.querySelector("#picture-drawn").getBoundingClientRect().top'
    page.wait_for_function(f'{top} < innerHeight / 2')  # the page scrolls to the result
    left = [page.locator(part).bounding_box()['x'] for part in ('#picture', '#picture-drawn')]
    assert left[0] == left[1]
    page.get_by_role('tab', name='Film').click()
    page.wait_for_selector('#predict-film')
    assert not is_scrolled(page)


def test_the_screenshot_of_the_page(open_page, screenshot):
    page = open_page()
    predict(page)
    screenshot(page, 'app', full_page=True)


def test_results_are_removed_when_the_picture_changes(open_page, mixed):
    page = open_page()
    predict(page)
    for hidden in ('messages p', 'drawn img', 'json', 'table'):
        assert page.locator(f'#picture-{hidden}').is_visible()
    remove(page)
    for hidden in ('messages p', 'drawn img', 'json', 'table'):
        page.locator(f'#picture-{hidden}').wait_for(state='hidden')
    page.locator('#picture input[type=file]').set_input_files(mixed)
    choose(page, Boxes='the whole picture')
    predict(page)
    page.locator('#picture').get_by_role('button', name='Remove Image').click()
    page.locator('#predict-picture').click()
    assert 'There is no picture' in sentence(page)
    assert not page.locator('#picture-json').is_visible()


def give_film(page, mixed, path, frames):
    image = np.asarray(Image.open(mixed).convert('RGB').resize((320, 240)))[..., ::-1]
    write_film(path, [number * 25 for number in range(frames)], image=image)
    choose(page, Boxes='the whole picture')
    page.get_by_role('tab', name='Film').click()
    page.locator('#film input[type=file]').set_input_files(path)
    page.wait_for_selector('#film video')
    page.locator('#predict-film').click()


@pytest.mark.parametrize('way', ['stop', 'close'])
def test_a_film_is_stopped_by_a_button_and_when_the_page_is_closed(
    open_page, service, mixed, tmp_path, way
):
    page = open_page()
    before = set(service.root.iterdir())
    give_film(page, mixed, tmp_path / 'walk.mp4', 1500)
    page.get_by_text('instances: ').first.wait_for()
    if way == 'close':
        page.close()
    else:
        page.locator('#stop-film').click()
        assert sentence(page) == 'The prediction was stopped.'
        page.locator('#stop-film').wait_for(state='hidden')
    end = time.monotonic() + 10
    while service._lock.locked() and time.monotonic() < end:
        time.sleep(0.1)
    for upload in set(service.root.iterdir()) - before:  # no answer
        assert [path.name for path in upload.iterdir()] == ['walk.mp4']


def test_a_film_goes_in_and_a_film_comes_out(open_page, mixed, tmp_path):
    page = open_page()
    give_film(page, mixed, tmp_path / 'walk.mp4', 4)
    page.get_by_text('The prediction is complete.').wait_for()
    page.wait_for_selector('#film-drawn video')
    lines = download(page, '#film-json', tmp_path).read_text().splitlines()
    assert [json.loads(line)['frame'] for line in lines] == [0, 1, 2, 3]
    drawn = page.locator('#film-drawn video')
    page.wait_for_function('document.querySelector("#film-drawn video").readyState > 0')
    assert drawn.evaluate('video => [video.videoWidth, video.videoHeight]') == [320, 240]


def test_scripts_cannot_load_from_other_addresses(open_page):
    page = open_page()
    fetched = 'fetch("https://example.org").then(() => 1, () => 0)'
    worker = f"""new Promise(answer => {{
        const blob = new Blob(['{fetched}.then(postMessage)']);
        new Worker(URL.createObjectURL(blob)).onmessage = event => answer(event.data);
    }})"""
    with page.expect_console_message(lambda message: 'Content Security Policy' in message.text):
        assert page.evaluate(fetched) == 0
    assert page.evaluate(worker) == 0


def test_hostile_uploads_get_one_sentence(open_page, tmp_path):
    write_large(tmp_path / 'large.png')
    (tmp_path / 'text.jpg').write_text('<img src=x onerror=alert(1)>')
    page = open_page()
    page.on('dialog', lambda dialog: pytest.fail(f'a script ran: {dialog.message}'))
    for name, words in (('large.png', 'make it smaller'), ('text.jpg', 'cannot be read as a')):
        give(page, tmp_path / name)
        text = sentence(page)
        assert text.startswith(name)
        assert words in text
        assert 'Traceback' not in page.content()


def test_a_file_above_the_limit_is_not_sent(open_page, service, tmp_path):
    big = tmp_path / 'big.jpg'
    big.write_bytes(b'0' * int(service.limits.upload_megabytes * 1e6 + 1))
    page = open_page()
    remove(page)
    page.locator('#picture input[type=file]').set_input_files(big)
    assert 'maximum' in sentence(page).lower()
