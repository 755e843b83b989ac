"""A checkpoint of a URL is downloaded once and completely, or not at all."""

import errno
import hashlib
import io
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from urllib.request import Request

import pytest
import torch

from vitpose_plus.addresses import SafeRedirects
from vitpose_plus.checkpoints import fetching
from vitpose_plus.checkpoints.fetching import fetch, place
from vitpose_plus.errors import UserError
from vitpose_plus.files import UNFINISHED


def test_of_several_threads_only_one_downloads(served):
    folder, address, asked = served
    torch.save(dict(weight=torch.randn(1000)), folder / 'w.pth')
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(fetch, [f'{address}/w.pth'] * 4))
    [path] = paths
    assert Path(path).read_bytes() == (folder / 'w.pth').read_bytes()
    assert asked == ['/w.pth']
    assert fetch(f'{address}/w.pth') == path
    assert asked == ['/w.pth']


def test_files_of_one_name_are_not_confused(served):
    folder, address, _ = served
    for number in (1, 2):
        (folder / str(number)).mkdir()
        torch.save(dict(weight=torch.tensor(number)), folder / str(number) / 'w.pth')
        path = fetch(f'{address}/{number}/w.pth?download=true')
        assert path.endswith('/w.pth')
        assert torch.load(path)['weight'] == number


def no_file(folder, address):
    return f'{address}/nowhere.pth'


def cut(folder, address):
    torch.save(dict(weight=torch.zeros(9)), folder / 'cut.pth')
    return f'{address}/cut.pth'


def page(folder, address):
    (folder / 'page.pth').write_text('<html>Who are you?</html>')
    return f'{address}/page.pth'


def no_server(folder, address):
    with socket.socket() as free:
        free.bind(('localhost', 0))
        return f'http://localhost:{free.getsockname()[1]}/w.pth'


def not_https(folder, address):
    return 'http://example.org/w.pth'


BAD = {
    no_file: r'cannot be downloaded \(HTTP Error 404: File not found\): check the address and the',
    cut: r'cannot be downloaded \(cut after \d+ of \d+ bytes\): check the address and the network',
    page: r'is a web page .*: download the file itself',
    not_https: r'is not downloaded, as it is not https: give its https address, or download it by',
    no_server: r'cannot be downloaded \(.*Connection refused\): check the address and the network',
}


@pytest.mark.parametrize('address', BAD, ids=lambda case: case.__name__)
def test_a_failure_names_the_url_and_nothing_is_stored(address, served, tmp_path):
    url = address(*served[:2])
    with pytest.raises(UserError, match=BAD[address]) as error:
        fetch(url)
    assert str(error.value).startswith(url)
    assert '\n' not in str(error.value)
    assert stored_files(tmp_path) <= {'lock'}


def test_a_file_that_the_user_saved_is_used(served, tmp_path):
    url = no_server(*served[:2])
    with pytest.raises(UserError) as error:
        fetch(url)
    assert str(error.value).endswith(f'and save it as {place(url)}.')
    torch.save(dict(weight=torch.ones(3)), place(url))
    assert fetch(url) == str(place(url))


def stored_files(tmp_path):
    return {path.name for path in (tmp_path / 'torch_home').rglob('*') if path.is_file()}


def test_only_safe_redirects_are_followed(served, tmp_path):
    folder, address, _ = served
    torch.save(dict(weight=torch.ones(3)), folder / 'w.pth')
    path = fetch(f'{address}/moved?{address}/w.pth')
    assert Path(path).read_bytes() == (folder / 'w.pth').read_bytes()
    with pytest.raises(UserError, match=r'^http://example.org/w.pth is not downloaded, as it is n'):
        fetch(f'{address}/moved?http://example.org/w.pth')


def test_https_is_redirected_only_to_https():
    """Not even to http of this machine."""
    handler, request = SafeRedirects(), Request('https://example.org/w.pth')
    with pytest.raises(
        UserError, match=r'w.pth is not downloaded, as it leads to http://localhost'
    ):
        handler.redirect_request(request, None, 302, 'Found', Message(), 'http://localhost/w.pth')
    new = handler.redirect_request(request, None, 302, 'Found', Message(), 'https://a.org/w.pth')
    assert new.full_url == 'https://a.org/w.pth'


@pytest.mark.parametrize('digits', [64, 8, 0])
def test_the_sha256_or_its_first_digits_are_checked(digits, served, tmp_path):
    folder, address, _ = served
    torch.save(dict(weight=torch.ones(3)), folder / 'w.pth')
    sha256 = hashlib.sha256((folder / 'w.pth').read_bytes()).hexdigest()[:digits]
    if digits:
        wrong = sha256[:-1] + ('0' if sha256[-1] != '0' else '1')
        message = f'has the SHA-256 {sha256}, but {wrong} is expected, so it is not stored: do'
        with pytest.raises(UserError, match=message):
            fetch(f'{address}/w.pth', wrong)
        assert stored_files(tmp_path) <= {'lock'}
    path = fetch(f'{address}/w.pth', sha256)
    assert Path(path) == place(f'{address}/w.pth')
    assert Path(path).read_bytes() == (folder / 'w.pth').read_bytes()


def test_an_existing_file_needs_no_network_and_no_write_permission(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    url = 'https://example.org/w.pth'
    place(url).parent.mkdir(parents=True)
    torch.save(dict(weight=torch.ones(3)), place(url))
    place(url).parent.chmod(0o500)
    try:
        assert fetch(url, '0' * 64) == str(place(url))
    finally:
        place(url).parent.chmod(0o700)
    assert stored_files(tmp_path) == {'w.pth'}


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_not_reported_as_a_network_error(code, served, tmp_path, monkeypatch):
    folder, address, _ = served
    torch.save(dict(weight=torch.ones(3)), folder / 'w.pth')

    class FullDisk(io.BytesIO):
        def write(self, part):
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fetching, 'open', lambda *args: FullDisk(), raising=False)
    message = rf'w.pth cannot be stored in .* \({os.strerror(code)}\): free some space there, or'
    with pytest.raises(UserError, match=message):
        fetch(f'{address}/w.pth')
    assert stored_files(tmp_path) <= {'lock'}


def test_files_of_a_killed_download_are_removed_by_the_next(served, tmp_path):
    folder, address, _ = served
    torch.save(dict(weight=torch.ones(3)), folder / 'w.pth')
    path = place(f'{address}/w.pth')
    left = path.parent / f'.w.pth{UNFINISHED}x'
    left.mkdir(parents=True)
    (left / 'w.pth').write_bytes(b'half')
    fetch(f'{address}/w.pth')
    assert not left.exists()


def test_a_missing_package_is_reported_before_the_download(served, monkeypatch):
    _, address, asked = served
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    with pytest.raises(UserError, match=r'm.safetensors needs the package safetensors: run pip'):
        fetch(f'{address}/m.safetensors')
    assert asked == []
