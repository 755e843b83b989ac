"""Configs, files, commands, options and pages that the documentation names exist."""

import argparse
import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

import vitpose_plus
from vitpose_plus import commands
from vitpose_plus.experiments.catalogue import load_config, shipped_configs
from vitpose_plus.models.building import build_on_meta

ROOT = Path(__file__).parents[1]
DOCS = ROOT / 'docs'
PAGES = [ROOT / 'README.md', *sorted(DOCS.rglob('*.md'))]
SIZES = ('small', 'base', 'large', 'huge')
# The words before a command of vitpose. In ENDS are the words of the shell that end a command.
PROGRAMS = (['vitpose'], ['-m', 'vitpose_plus'], ['mim', 'run', 'vitpose_plus'])
ENDS = {'<', '>', '|', '&&', '||', ';', '&'}


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str, page: Path) -> list[str]:
    """Returns the code blocks of a page in a language."""
    return re.findall(rf'^```{language}\n(.*?)^```', page.read_text(), re.M | re.S)


def calls(page: Path) -> Iterator[list[str]]:
    """Yields the words after ``vitpose`` of every call in the page's bash blocks."""
    for block in blocks('bash', page):
        for line in block.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            for program in PROGRAMS:
                for start in range(len(words) - len(program)):
                    if words[start : start + len(program)] == program:
                        own = words[start + len(program) :]
                        end = next((i for i, word in enumerate(own) if word in ENDS), len(own))
                        yield own[:end]


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_commands_of_a_page_exist_with_their_options(page):
    for command, *words in calls(page):
        assert command in commands.COMMANDS, command
        module = importlib.import_module(f'vitpose_plus.commands.{command.replace("-", "_")}')
        parser = argparse.ArgumentParser(exit_on_error=False)
        module.add_arguments(parser)
        # The pages write an option that may be left out in brackets, and alternatives as a|b.
        given = [word.strip('[]').split('|')[0] for word in words]
        try:
            parser.parse_args(given)
        except (SystemExit, argparse.ArgumentError) as error:
            pytest.fail(f'{command} {shlex.join(words)}: {error}')


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_scripts_and_targets_of_a_page_exist(page):
    """They are in lines like ``python SCRIPT`` and ``make TARGET``."""
    text = '\n'.join(blocks('bash', page))
    for script in re.findall(r'^(?:\w+=\S+ )*python (\S+\.py)', text, re.M):
        assert (ROOT / script).is_file(), script
    targets = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.M)
    assert set(re.findall(r'^make ([\w-]+)', text, re.M)) <= set(targets)


def test_configs_of_the_training_page_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    configs = [block for block in blocks('python', DOCS / 'train.md') if 'dict(' in block]
    [entry] = [block for block in configs if block.startswith('zebra')]
    [field] = [block for block in configs if block.startswith('augmentation')]
    Path('zebra.py').write_text(f'{entry}\nzebra.update({field})')
    configs = [block for block in configs if block not in (entry, field)]
    assert len(configs) == 4
    for config in configs:
        Path('own.py').write_text(config)
        assert build_on_meta(load_config('own.py').model)


def pages_of(part: str | list | dict) -> Iterator[str]:
    """Yields the pages of a part of the navigation."""
    if isinstance(part, str):
        yield part
    else:
        for child in part.values() if isinstance(part, dict) else part:
            yield from pages_of(child)


def test_the_navigation_has_every_page_once():
    settings = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob('*.md')]
    assert sorted(pages_of(settings['nav'])) == sorted(pages)


def test_the_api_pages_have_every_public_package():
    """A package is public if it has ``__all__``. So are the names of ``vitpose_plus.LAZY``."""
    text = ''.join(page.read_text() for page in (DOCS / 'api').glob('*.md'))
    described = set(re.findall(r'^::: (\S+)$', text, re.M))
    package = ROOT / 'vitpose_plus'
    public = {
        '.'.join(file.relative_to(ROOT).parent.parts)
        for file in package.glob('*/**/__init__.py')
        if re.search(r'^__all__ =', file.read_text(), re.M)
    }
    assert len(public) > 10
    public |= {f'{module}.{name}' for name, module in vitpose_plus.LAZY.items()}
    assert public <= described
    for name in described - public:
        assert exists(name), name


def exists(name: str) -> bool:
    """Checks that this name is a module, or is defined at the top of a module."""
    path = ROOT.joinpath(*name.split('.'))
    if path.is_dir() or path.with_suffix('.py').is_file():
        return True
    file = path.parent.with_suffix('.py')
    nodes = ast.parse(file.read_text()).body if file.is_file() else []
    return any(getattr(node, 'name', None) == path.name for node in nodes)


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_configs_that_a_page_names_exist(page):
    named = set(re.findall(r'`((?:vitpose|resnet|mae)-[\w-]+_[\w-]+-\d+x\d+)`', page.read_text()))
    metafiles = ''.join(path.read_text() for path in (ROOT / 'configs').rglob('metafile.yml'))
    names_of_mim = set(re.findall(r'Name: ([\w-]+)', metafiles))
    assert not {n for n in named if 'SIZE' not in n} - set(shipped_configs()) - names_of_mim


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_files_that_a_page_links_exist(page):
    for target in re.findall(r'\]\((?!https?://)([^)#]+)', page.read_text()):
        assert (page.parent / target).exists(), target
        if page.is_relative_to(DOCS):  # the site contains only these files
            assert (page.parent / target).resolve().is_relative_to(DOCS), target


def named_configs():
    """Returns the names in backticks, with all values in place of ``{a,b}`` and ``SIZE``."""
    pages = ('results', 'scale', 'experiments')
    text = ''.join((ROOT / 'docs' / f'{page}.md').read_text() for page in pages)
    names = set(re.findall(r'`([\w{},-]+)`', text))
    for pattern, values in ((r'SIZE', SIZES), (r'\{([\w,-]+)\}', None)):
        for name in list(names):
            if match := re.search(pattern, name):
                several = values or match[1].split(',')
                names |= {name.replace(match[0], value) for value in several}
    return names


def test_the_pages_name_every_config():
    missing = set(shipped_configs()) - named_configs()
    assert missing == {
        'vitpose-plus-tiny_figures-256x192',  # the demo
        'vitpose-plus-base-simple_six-datasets-256x192',  # in no table
    }


def test_make_installs_every_extra_that_tests_need():
    """Without an extra, its tests are skipped. Three extras only repeat OpenMMLab's packages; the
    tests of the extra browser run only by their marker."""
    settings = ConfigParser()
    settings.read(ROOT / 'setup.cfg')
    [extras] = re.findall(r'^EXTRAS := (.+)$', (ROOT / 'Makefile').read_text(), re.M)
    every = set(settings['options.extras_require'])
    assert set(extras.split(',')) == every - {'mim', 'mminstall', 'onedl', 'browser'}
