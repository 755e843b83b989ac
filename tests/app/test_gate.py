"""The gate in front of Gradio: addresses and files that the page does not need are refused."""

import asyncio
import json

import pytest

from vitpose_plus.app.bodies import LONGEST
from vitpose_plus.app.folders import Folders
from vitpose_plus.app.gate import FORM, Gate, SameOrigin

LARGEST = 50_000
HOST = dict(host='127.0.0.1:7860')


@pytest.fixture
def folders():
    folders = Folders(megabytes=0.1)
    yield folders
    folders.close()


@pytest.fixture
def uploaded(folders):
    """An uploaded file."""
    (folders.root / 'a').mkdir()
    path = folders.root / 'a' / 'b.jpg'
    path.touch()
    return path


@pytest.fixture
def ask(folders):
    """Sends a request through a gate: (path, body in parts) -> status, text of the answer.

    The application behind the gate answers with the body that it receives.
    """

    async def application(scope, receive, send):
        body, is_more = b'', scope['method'] == 'POST'
        while is_more:
            message = await receive()
            body, is_more = body + message['body'], message['more_body']
        headers = [(b'Access-Control-Allow-Origin', b'*')]
        await send(dict(type='http.response.start', status=200, headers=headers))
        await send(dict(type='http.response.body', body=body))

    gate = SameOrigin(Gate(application, folders, LARGEST))

    def ask(path, *parts, **headers):
        sent = []
        messages = [dict(type='http.request', body=part, more_body=True) for part in parts]
        messages.append(dict(type='http.request', body=b'', more_body=False))

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        given = [(k.replace('_', '-').encode(), v.encode()) for k, v in (HOST | headers).items()]
        scope = dict(type='http', path=path, method='POST' if parts else 'GET', headers=given)
        asyncio.run(gate(scope, receive, send))
        ask.headers = dict(sent[0]['headers'])
        return sent[0]['status'], sent[1]['body'].decode()

    return ask


@pytest.mark.parametrize(
    'path', ['/', '/config', '/assets/a.js', '/gradio_api/heartbeat/a1', '/gradio_api/file=/tmp/a']
)
def test_addresses_of_the_page_are_served(ask, path):
    assert ask(path) == (200, '')


@pytest.mark.parametrize(
    'path',
    [
        '/gradio_api/file=http://127.0.0.1/secret',
        '/gradio_api/file=file:///etc/passwd',
        '/gradio_api/proxy=http://127.0.0.1/',
        '/gradio_api/process_recording',
        '/gradio_api/run-history/records',
        '/gradio_api/vibe-edit/',
        '/gradio_api/call/v2/predict_picture/x',
        '/monitoring',
        '/docs',
        '/svelte/../../x',
    ],
)
def test_other_addresses_are_not_served(ask, path):
    assert ask(path) == (404, 'This page has no such address.')


def test_answers_forbid_the_browser_to_load_from_other_addresses(ask):
    ask('/')
    policy = ask.headers[b'content-security-policy']
    assert policy.startswith(b"default-src 'self' blob: data: 'unsafe-inline'")
    assert b'http' not in policy


def test_a_file_that_is_opened_as_a_page_runs_no_script(ask):
    ask('/gradio_api/file=/tmp/a.svg')
    assert ask.headers[b'content-security-policy'] == b"sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        (dict(origin='http://127.0.0.1:7860'), 200),
        (dict(origin='https://Example.org', host='example.ORG'), 200),
        (dict(sec_fetch_site='same-origin'), 200),
        (dict(sec_fetch_site='none'), 200),
        (dict(origin='https://example.org'), 403),
        (dict(origin='http://127.0.0.1:8888'), 403),
        (dict(origin='null'), 403),
        (dict(origin='http://[x'), 403),
        (dict(sec_fetch_site='cross-site'), 403),
        (dict(sec_fetch_site='same-site'), 403),
    ],
)
def test_requests_of_other_pages_are_refused(ask, headers, status):
    assert ask('/config', **headers)[0] == status
    assert ask('/gradio_api/queue/join', b'{}', **headers)[0] == status
    length = dict(content_length='1')
    assert ask('/gradio_api/upload', b'x', **headers, **length)[0] == status
    assert not any(b'access-control' in name.lower() for name in ask.headers)


def test_a_link_to_the_page_is_no_request_of_another_page(ask):
    assert ask('/', sec_fetch_site='cross-site')[0] == 200
    assert ask('/', b'{}', sec_fetch_site='cross-site')[0] == 403


def file(path):
    return dict(path=path, meta=dict(_type='gradio.FileData'))


def test_requests_with_uploads_arrive_unchanged(ask, uploaded):
    data = [file(str(uploaded)), 'coco', None, dict(data=[[1, 2, 3, 4]])]
    body = json.dumps(dict(data=data)).encode()
    assert ask('/gradio_api/queue/join', body[:30], body[30:]) == (200, body.decode())


@pytest.mark.parametrize(
    'path',
    [
        '/etc/passwd',
        'setup.cfg',
        '{uploads}/../secret',
        '{uploads}',
        '{uploads}/a',  # a folder: Gradio could not delete it
        '{uploads}/missing.jpg',
        'http://127.0.0.1:1/a.jpg',
        'https://example.org/a.jpg',
        'file:///etc/passwd',
        'a\x00b',
        'a' * 5000,
    ],
)
def test_files_that_were_not_uploaded_are_refused_wherever_they_are_in_the_request(
    ask, folders, uploaded, path
):
    path = path.format(uploads=folders.root)
    for data in ([file(path)], [dict(data=[[[file(path)]]])], {'path': path}):
        status, answer = ask('/gradio_api/queue/join', json.dumps(dict(data=data)).encode())
        assert status == 403
        assert answer == ('The request names a file that was not uploaded: upload the file itself.')


def test_a_link_out_of_the_uploads_is_refused(ask, folders):
    (folders.root / 'link').symlink_to('/etc')
    body = json.dumps(file(str(folders.root / 'link' / 'passwd'))).encode()
    assert ask('/gradio_api/queue/join', body)[0] == 403


@pytest.mark.parametrize(
    ('body', 'status'),
    [(b'{', 400), (b'\xff', 400), (b'[' * 100_000, 400), (b' ' * (LONGEST + 1), 413), (b'', 200)],
    ids=['cut', 'binary', 'nested', 'long', 'empty'],
)
def test_requests_that_are_no_json_or_too_long_are_refused(ask, body, status):
    assert ask('/gradio_api/queue/join', body)[0] == status


def test_uploads_are_not_read_as_json(ask):
    assert ask('/gradio_api/upload', b'--x', content_length='3') == (200, '--x')


def test_uploads_above_the_limits_are_refused_before_they_are_stored(ask, folders):
    def upload(**headers):
        return ask('/gradio_api/upload', b'--x', **headers)

    assert upload()[0] == upload(content_length='-1')[0] == 411
    assert upload(content_length=str(LARGEST + FORM))[0] == 200
    status, sentence = upload(content_length=str(LARGEST + FORM + 1))
    assert (status, sentence) == (413, 'The limit is 0.05 megabytes: make it smaller.')
    (folders.root / 'tmpx').write_bytes(bytes(60_000))
    assert upload(content_length='30000')[0] == 200
    status, sentence = upload(content_length='50000')
    assert status == 507
    assert sentence.startswith('The page has stored 0.1 megabytes of files, the limit: wait')
    assert upload(content_length='30000')[0] == 200  # refused uploads do not count
