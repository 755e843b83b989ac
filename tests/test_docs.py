"""What the pages name is there."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from vitpose_plus.experiments.catalogue import shipped_configs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
SIZES = ('small', 'base', 'large', 'huge')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_configs_that_a_page_names_are_shipped(page):
    named = set(re.findall(r'`((?:vitpose|resnet|mae)-[\w-]+_[\w-]+-\d+x\d+)`', page.read_text()))
    metafiles = ''.join(path.read_text() for path in (ROOT / 'configs').rglob('metafile.yml'))
    names_of_mim = set(re.findall(r'Name: ([\w-]+)', metafiles))
    assert not {n for n in named if 'SIZE' not in n} - set(shipped_configs()) - names_of_mim


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_links_are_there(page):
    for target in re.findall(r'\]\((?!https?://)([^)#]+)', page.read_text()):
        assert (page.parent / target).exists(), target


def named_recipes():
    """The names in backticks of the pages; ``{a,b}`` and ``SIZE`` stand for several."""
    pages = ('results', 'scale', 'experiments')
    text = ''.join((ROOT / 'docs' / f'{page}.md').read_text() for page in pages)
    names = set(re.findall(r'`([\w{},-]+)`', text))
    for pattern, values in ((r'SIZE', SIZES), (r'\{([\w,-]+)\}', None)):
        for name in list(names):
            if match := re.search(pattern, name):
                several = values or match[1].split(',')
                names |= {name.replace(match[0], value) for value in several}
    return names


def test_every_recipe_stands_in_the_results():
    missing = set(shipped_configs()) - named_recipes()
    assert missing == {
        'vitpose-plus-tiny_figures-256x192',  # the demo
        'vitpose-plus-base-simple_six-datasets-256x192',  # no row of any table
    }


def test_make_installs_every_extra_that_a_test_could_be_skipped_for():
    """All but those that bring OpenMMLab's packages a second time."""
    settings = ConfigParser()
    settings.read(ROOT / 'setup.cfg')
    [extras] = re.findall(r'^EXTRAS := (.+)$', (ROOT / 'Makefile').read_text(), re.M)
    every = set(settings['options.extras_require'])
    assert set(extras.split(',')) == every - {'mim', 'mminstall', 'onedl'}
