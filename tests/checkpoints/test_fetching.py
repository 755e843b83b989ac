"""A checkpoint by its URL is downloaded once and whole, or not at all."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from vitpose_plus.checkpoints.fetching import fetch
from vitpose_plus.errors import UserError


def test_of_several_who_ask_at_once_one_downloads(served):
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


BAD = {
    no_file: r'cannot be downloaded \(HTTP Error 404: File not found\): check the address and the',
    cut: r'cannot be downloaded \(cut after \d+ of \d+ bytes\): check the address and the network',
    page: r'is a web page .*: download the file itself',
    no_server: r'cannot be downloaded \(.*Connection refused\): check the address and the network',
}


@pytest.mark.parametrize('address', BAD, ids=lambda case: case.__name__)
def test_a_failure_is_one_sentence_with_the_url_and_nothing_is_kept(address, served, tmp_path):
    url = address(*served[:2])
    with pytest.raises(UserError, match=BAD[address]) as error:
        fetch(url)
    assert str(error.value).startswith(url)
    assert '\n' not in str(error.value)
    kept = [path.name for path in (tmp_path / 'torch_home').rglob('*') if path.is_file()]
    assert set(kept) <= {'lock'}
