"""The cards of released weights: mim finds all of them, and their downloads cannot collide."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.helpers.demo import ROOT
from tests.helpers.processes import environment, run

MIM = ROOT / 'vitpose_plus' / '.mim'
METAFILES = sorted((ROOT / 'configs').rglob('metafile.yml'))
CARDS = (ROOT / 'docs' / 'weights.md').read_text()


def load(file):
    return yaml.safe_load(file.read_text())


MODELS = [model for file in METAFILES for model in load(file)['Models']]
each_model = pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])


def last_part(model):
    """The last part of the link, by which mim names the download."""
    return urlsplit(model['Weights']).path.rsplit('/', 1)[-1]


def test_the_index_imports_every_metafile():
    imported = load(MIM / 'model-index.yml')['Import']
    assert len(set(imported)) == len(imported)
    assert {(MIM / path).resolve() for path in imported} == set(METAFILES)


@each_model
def test_a_model_has_all_that_mim_needs(model):
    """mim crashes without weights, and cannot search a list of training data."""
    assert model['Name'] == model['Name'].lower()  # mim searches in lower case
    assert isinstance(model['Metadata']['Training Data'], str)
    assert all(result['Metrics'] for result in model['Results'])
    link = urlsplit(model['Weights'])
    assert (link.scheme, link.query) == ('https', '')
    assert last_part(model).endswith('.pth')


@each_model
def test_a_model_s_config_exists(model):
    """It is in the folder that mim uses."""
    assert (MIM / model['Config']).is_file()


@each_model
def test_a_model_has_a_complete_card(model):
    """It states who reports its numbers, the licence, and its layout; the page lists it, too."""
    assert model['Metadata']['Reported By'] in ('mmpose', 'the authors')
    assert model['Metadata']['Licence Notes']
    assert ('nc-wholebody' in model['Metadata']['Licence Notes']) == (
        'WholeBody' in model['Metadata']['Training Data']
    )
    assert model['Layout'] in ('mmpose', 'official', 'hf', 'mae')
    assert f'`{model["Name"]}`' in CARDS
    assert urlsplit(model['Source Page']).scheme == 'https'
    assert model['Source Page'] in CARDS or model['Layout'] == 'mmpose'


@each_model
def test_a_model_s_hash_is_that_of_its_file(model):
    """mmpose's file names have its first digits; the page lists all digits with the names."""
    if model['SHA256'].endswith('...'):
        assert f'-{model["SHA256"][:8]}_' in last_part(model)
    else:
        assert f'{model["SHA256"]}  {last_part(model).replace("%2B", "+")}\n' in CARDS


def test_no_two_models_share_a_name_or_a_download():
    """mim would skip the second download, as the file exists, and use the wrong weights."""
    for what in (lambda model: model['Name'], last_part, lambda model: model['SHA256']):
        assert not [value for value, n in Counter(map(what, MODELS)).items() if n > 1]


def test_models_belong_to_the_collection_of_their_file():
    for file in METAFILES:
        [collection] = load(file)['Collections']
        assert {model['In Collection'] for model in load(file)['Models']} == {collection['Name']}


def test_the_page_s_links_are_well_formed():
    links = re.findall(r'\]\(([^)]*)\)', CARDS)
    headings = re.findall(r'^#+ (.*)$', CARDS, re.MULTILINE)
    anchors = {re.sub(r'[^a-z0-9 _-]', '', h.lower()).replace(' ', '-') for h in headings}
    for link in links:
        assert link.startswith('https://') or link.lstrip('#') in anchors, link
    hashes = re.findall(r'^([0-9a-f]+)  \S+$', CARDS, re.MULTILINE)
    assert {len(digits) for digits in hashes} == {64}
    assert len(set(hashes)) == len(hashes)


def search(folder: Path, *options, **kwargs):
    """The result of ``mim search vitpose_plus``: field -> name of a model -> value."""
    mim = [sys.executable, '-m', 'mim', 'search', 'vitpose_plus', '--json', folder / 'found.json']
    run(*mim, *options, **kwargs)
    return json.loads((folder / 'found.json').read_text())


def check_found(found):
    assert found['weight'] == {model['Name']: model['Weights'] for model in MODELS}
    assert found['config'] == {model['Name']: model['Config'] for model in MODELS}
    assert found['coco/ap']['vitpose-base_coco-256x192'] == 0.757


def test_mim_search_finds_them_in_a_wheel(installed, tmp_path):
    here = dict(cwd=tmp_path, env=environment(PYTHONPATH=str(installed)))
    check_found(search(tmp_path, **here))
    [only] = search(tmp_path, '--config', MODELS[0]['Name'], **here)['weight']
    assert only == MODELS[0]['Name']


def test_mim_search_finds_them_in_an_editable_installation_from_its_root(tmp_path):
    check_found(search(tmp_path, cwd=ROOT, env=environment()))


def test_mim_search_finds_by_a_dataset(tmp_path):
    found = search(tmp_path, '--dataset', 'coco', cwd=ROOT, env=environment())['weight']
    assert set(found) == {m['Name'] for m in MODELS if m['Metadata']['Training Data'] == 'COCO'}
