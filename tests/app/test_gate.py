"""The gate in front of Gradio: addresses and files that the page does not need are refused."""

import asyncio
import json

import pytest

from vitpose_plus.app.gate import LONGEST, Gate


@pytest.fixture
def ask(tmp_path):
    """Sends a request through a gate: (path, body in parts) -> status, text of the answer.

    The application behind the gate answers with the body that it receives.
    """
    uploads = tmp_path / 'uploads'
    uploads.mkdir()

    async def application(scope, receive, send):
        body, is_more = b'', scope['method'] == 'POST'
        while is_more:
            message = await receive()
            body, is_more = body + message['body'], message['more_body']
        await send(dict(type='http.response.start', status=200, headers=[]))
        await send(dict(type='http.response.body', body=body))

    def ask(path, *parts):
        sent = []
        messages = [dict(type='http.request', body=part, more_body=True) for part in parts]
        messages.append(dict(type='http.request', body=b'', more_body=False))

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        scope = dict(type='http', path=path, method='POST' if parts else 'GET')
        asyncio.run(Gate(application, uploads)(scope, receive, send))
        ask.headers = sent[0]['headers']
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
    [policy] = [value for name, value in ask.headers if name == b'content-security-policy']
    assert policy.startswith(b"default-src 'self' blob: data: 'unsafe-inline'")
    assert b'http' not in policy


def file(path):
    return dict(path=path, meta=dict(_type='gradio.FileData'))


def test_requests_with_uploads_arrive_unchanged(ask, tmp_path):
    uploaded = str(tmp_path / 'uploads' / 'a' / 'b.jpg')
    body = json.dumps(dict(data=[file(uploaded), 'coco', None, dict(data=[[1, 2, 3, 4]])])).encode()
    assert ask('/gradio_api/queue/join', body[:30], body[30:]) == (200, body.decode())


@pytest.mark.parametrize(
    'path',
    [
        '/etc/passwd',
        'setup.cfg',
        '{uploads}/../secret',
        'http://127.0.0.1:1/a.jpg',
        'https://example.org/a.jpg',
        'file:///etc/passwd',
        'a\x00b',
        'a' * 5000,
    ],
)
def test_files_that_were_not_uploaded_are_refused_wherever_they_are_in_the_request(
    ask, tmp_path, path
):
    path = path.format(uploads=tmp_path / 'uploads')
    for data in ([file(path)], [dict(data=[[[file(path)]]])], {'path': path}):
        status, answer = ask('/gradio_api/queue/join', json.dumps(dict(data=data)).encode())
        assert status == 403
        assert answer == ('The request names a file that was not uploaded: upload the file itself.')


def test_a_link_out_of_the_uploads_is_refused(ask, tmp_path):
    (tmp_path / 'uploads' / 'link').symlink_to('/etc')
    body = json.dumps(file(str(tmp_path / 'uploads' / 'link' / 'passwd'))).encode()
    assert ask('/gradio_api/queue/join', body)[0] == 403


@pytest.mark.parametrize(
    ('body', 'status'),
    [(b'{', 400), (b'\xff', 400), (b'[' * 100_000, 400), (b' ' * (LONGEST + 1), 413), (b'', 200)],
    ids=['cut', 'binary', 'nested', 'long', 'empty'],
)
def test_requests_that_are_no_json_or_too_long_are_refused(ask, body, status):
    assert ask('/gradio_api/queue/join', body)[0] == status


def test_uploads_are_not_read_as_json(ask):
    assert ask('/gradio_api/upload', b'--x') == (200, '--x')
