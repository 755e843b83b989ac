"""Released weights by name: the table is equal to docs/weights.md, and files fit their configs."""

import functools
import hashlib
import re

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.demo import ROOT
from tests.helpers.models import same
from vitpose_plus.checkpoints import released, writing
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.fetching import place
from vitpose_plus.checkpoints.guard import differences
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.heads import NAMES, SIX
from vitpose_plus.checkpoints.matching import KnownWeights, known_shapes
from vitpose_plus.checkpoints.released import FLAGS, RELEASED, Weights
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config, shipped_configs
from vitpose_plus.models import dataset_names

PAGE = (ROOT / 'docs' / 'weights.md').read_text()
KNOWN = dict(known_shapes())
TINY = 'vitpose-tiny_figures-128x96'
HUGE = 'vitpose-plus-huge_six-datasets-256x192'
WEIGHTS = pytest.mark.parametrize('weights', RELEASED.values(), ids=lambda weights: weights.name)


def shaped(config, names):
    """Weights of a config on the meta device, with the names of its datasets."""
    state = {name: torch.empty(shape, device='meta') for name, shape in KNOWN[config].items()}
    return state | {NAMES: dataset_names.to_tensor(names)} if NAMES in state else state


def with_experts(weights):
    """Weights as in Hugging Face's ViTPose+: six experts and the head of COCO."""
    size = weights.name.removeprefix('vitpose-plus-').removesuffix('-hf')
    state = shaped(f'vitpose-plus-{size}_six-datasets-256x192', list(SIX))
    others = tuple(f'head.heads.{name}.' for name in SIX if name != 'coco')
    return {name: value for name, value in state.items() if not name.startswith(others)}


@WEIGHTS
def test_the_file_fits_its_config(weights):
    """Checked without the file: the config's weights are written in its layout and read again."""
    plus = weights.source == 'hf' and '-plus-' in weights.name
    state = with_experts(weights) if plus else shaped(weights.config, list(weights.datasets))
    found = convert(LAYOUTS[weights.source].write(state)).state_dict
    if plus:
        found = keep_dataset(found, 'coco')
    assert not differences(found, KnownWeights(KNOWN[weights.config]))


@functools.cache
def load(name):
    return Config.fromfile(find_config(name), format_python_code=False)


@WEIGHTS
def test_its_datasets_are_those_of_its_config(weights):
    cfg = load(weights.config)
    heads = cfg.model.head.get('heads')
    names = [head['dataset'] for head in heads] if heads else [cfg.val_evaluator.prefix]
    assert list(weights.datasets) == names


def test_the_names_and_the_addresses():
    assert {'vitpose-plus-base', 'vitpose-huge-wholebody', 'vitpose-base-ap10k'} <= set(RELEASED)
    addresses = [weights.url for weights in RELEASED.values()]
    assert len(set(addresses)) == len(addresses)
    shipped = shipped_configs()
    for weights in RELEASED.values():
        assert weights.url.startswith('https://')
        assert weights.config in shipped
        assert weights.source in LAYOUTS
        assert set(weights.flags) <= set(FLAGS)
        assert re.fullmatch(r'(?:[0-9a-f]{8}|[0-9a-f]{64})?', weights.sha256)
        assert weights.name not in shipped


def test_the_page_lists_the_table():
    """Both have the same names, links, flags and check sums."""
    rows = re.findall(r'^\| `(vitpose-[\w-]+)` \| \[[^]]+\]\((\S+)\) \| (.*?) ?\|$', PAGE, re.M)
    listed = {name: (url, flags) for name, url, flags in rows}
    assert listed == {w.name: (w.url, ', '.join(w.flags)) for w in RELEASED.values()}
    flags = re.findall(r'^\| ([\w -]*[a-z]) \| .+ \|$', section('Licence flags'), re.M)
    assert flags == ['flag', *FLAGS]
    sums = set(re.findall(r'^([0-9a-f]{64})  (\S+)$', PAGE, re.M))
    for weights in RELEASED.values():
        path = weights.url.replace('%2B', '+')
        found = [sha256 for sha256, end in sums if path.endswith(f'/{end}')]
        if weights.source == 'mmpose':
            found = [re.search(r'-([0-9a-f]{8})_\d{8}\.pth$', path)[1]]
        assert [weights.sha256] == (found or ['']), weights.name


def test_every_direct_link_of_the_page_is_in_the_table():
    links = re.findall(r'\((https://\S+?\.(?:pth|safetensors))\)', PAGE)
    links = {link.replace('/blob/', '/resolve/') for link in links if '/mae/' not in link}
    assert links == {weights.url for weights in RELEASED.values()}


def section(title):
    return PAGE.split(f'\n## {title}\n')[1].split('\n## ')[0]


def test_a_missing_head():
    for weights in RELEASED.values():
        for dataset in weights.datasets:
            released.check_dataset(weights, dataset)
    message = (
        r"^vitpose-plus-huge has no head for 'ap10k', only for coco: download the authors' file of "
        rf'all six datasets by hand \(https://1drv.ms/\S+\), .* convert IN OUT --source official '
        rf'--config {HUGE}, and give --model {HUGE} --checkpoint OUT.$'
    )
    with pytest.raises(UserError, match=message):
        released.check_dataset(RELEASED['vitpose-plus-huge'], 'ap10k')
    for weights in RELEASED.values():
        if weights.whole:
            assert weights.whole in PAGE
    message = (
        r"^vitpose-base has no head for 'ap10k', only for coco; that head is in .*vitpose-base-ap10"
    )
    with pytest.raises(UserError, match=message):
        released.check_dataset(RELEASED['vitpose-base'], 'ap10k')
    message = r"no head for 'zebra', only for coco, aic, mpii; that head is in no released weights"
    with pytest.raises(UserError, match=message):
        released.check_dataset(RELEASED['vitpose-base-coco-aic-mpii'], 'zebra')


def test_an_unknown_name():
    assert released.find('vitpose-base') is RELEASED['vitpose-base']
    assert released.find('vitpose-bse') is None
    with pytest.raises(
        UserError, match=r"no released weights 'vitpose-bse'; the closest .* vitpos"
    ):
        released.named('vitpose-bse')
    with pytest.raises(UserError, match="no released weights 'rtmdet': see `vitpose"):
        released.named('rtmdet')


@pytest.fixture
def tiny():
    """The weights of a tiny model of ours."""
    return MODELS.build(load(TINY).model).state_dict()


def entry(url, **fields):
    return Weights(**dict(name='tiny', url=url, config=TINY, source='mmpose', makers='us') | fields)


@pytest.mark.parametrize('source', ['mmpose', 'official', 'vitpose_plus'])
def test_a_file_of_any_layout_is_downloaded_and_translated(source, tiny, served, capsys):
    folder, address, asked = served
    writing.write(folder / 'w.pth', LAYOUTS[source].write(dict(tiny)))
    sha256 = hashlib.sha256((folder / 'w.pth').read_bytes()).hexdigest()
    weights = entry(
        f'{address}/w.pth',
        source=source,
        sha256=sha256[:8],
        flags=('nc-mae', 'leaks COCO val'),
        options={'model.backbone.norm_eps': 1e-12},
    )
    assert not released.is_downloaded(weights)
    for _ in range(2):  # then without the network
        loaded = released.load(weights)
        same(loaded.state_dict, tiny)
        assert loaded.config.model.backbone.norm_eps == 1e-12
        assert loaded.path == place(weights.url)
    assert asked == ['/w.pth']
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith('tiny: ')]
    assert said == [f'tiny: {flag}: {FLAGS[flag]}' for flag in weights.flags]


def test_a_file_of_another_model_is_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    weights = entry('https://example.org/w.pth')
    writing.write(place(weights.url), LAYOUTS['official'].write(dict(tiny)))
    message = r'w.pth is not the file of tiny \(It is not in mmpose.s layout, .*\): delete it, and'
    with pytest.raises(UserError, match=message):
        released.load(weights)
    other = {**tiny, 'head.final_layer.bias': torch.zeros(3)}
    writing.write(place(weights.url), LAYOUTS['mmpose'].write(other))
    message = r"not the file of tiny \(It belongs to another model: it has 'head.final_layer.bias"
    with pytest.raises(UserError, match=message):
        released.load(weights)


def test_hugging_face_s_norms_have_its_epsilon():
    for weights in RELEASED.values():
        expected = {'model.backbone.norm_eps': 1e-12} if weights.source == 'hf' else {}
        assert weights.options == expected
