"""What the pages name is there."""

import re
from pathlib import Path

import pytest

from vitpose_plus.shipped import shipped_configs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
SIZES = ('small', 'base', 'large', 'huge')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_configs_that_a_page_names_are_shipped(page):
    named = set(re.findall(r'`((?:vitpose|resnet)-[\w-]+_[\w-]+-\d+x\d+)`', page.read_text()))
    metafiles = ''.join(path.read_text() for path in (ROOT / 'configs').rglob('metafile.yml'))
    names_of_mim = set(re.findall(r'Name: ([\w-]+)', metafiles))
    assert not {n for n in named if 'SIZE' not in n} - set(shipped_configs()) - names_of_mim


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_links_are_there(page):
    for target in re.findall(r'\]\((?!https?://)([^)#]+)', page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_recipe_stands_in_the_results():
    """Those of issues to come included, once they are shipped."""
    text = (ROOT / 'docs' / 'results.md').read_text() + (ROOT / 'docs' / 'scale.md').read_text()
    for size in SIZES:
        for data in ('coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco-wholebody'):
            text += f' vitpose-{size}_{data}-256x192'  # by one line, with SIZE and braces
    missing = [name for name in shipped_configs() if name not in text]
    assert missing == ['vitpose-plus-tiny_figures-256x192', *SIMPLE]


SIMPLE = ['vitpose-plus-base-simple_six-datasets-256x192']  # no row of any table
