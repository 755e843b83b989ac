"""One import direction: a folder of the package imports only from what stands before it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'vitpose_plus'
# From the ground up; what shares a line does not import from each other.
ORDER = [
    {'errors', 'version'},
    {'addresses', 'files', 'compat', 'moved'},
    {'registration'},
    {'codecs', 'models'},
    {'datasets'},
    {'experiments'},
    {'checkpoints'},
    {'distillation', 'evaluation', 'visualization'},
    {'engine'},
    {'inference'},
    {'commands'},
    {'__main__'},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
FILES = [file for file in sorted(PACKAGE.rglob('*.py')) if '.mim' not in file.parts]


def room(module):
    """What stands in ``ORDER``: the first part of a module's name within the package."""
    return module.split('.')[1] if '.' in module else None


def imported(file):
    """The rooms that a file imports from, at its top or in its functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{file}:{node.lineno} is a relative import'
            module = node.module
            names = [f'{module}.{a.name}' for a in node.names] if module == PACKAGE.name else []
            yield from (room(name) for name in names or [module] if name.startswith(PACKAGE.name))
        elif isinstance(node, ast.Import):
            yield from (room(a.name) for a in node.names if a.name.startswith(PACKAGE.name))


def test_every_room_has_its_place():
    rooms = {file.relative_to(PACKAGE).parts[0].removesuffix('.py') for file in FILES}
    assert rooms - {'__init__'} == set(LEVEL)


@pytest.mark.parametrize('file', FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_one_way(file):
    own = file.relative_to(PACKAGE).parts[0].removesuffix('.py')
    for other in set(imported(file)) - {own, None}:
        lower = own == '__init__' or LEVEL[other] < LEVEL[own]
        assert lower, f'{file.relative_to(PACKAGE)} imports from {other}, which stands above it'


def modules_imported(file):
    """The modules, not packages, that a file imports; what loads modules by name is left out
    (``registration``, ``moved`` and ``commands``, after all others are there)."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(PACKAGE.name):
            for module in (node.module, *(f'{node.module}.{alias.name}' for alias in node.names)):
                path = PACKAGE.parent.joinpath(*module.split('.')).with_suffix('.py')
                if path in FILES:
                    yield path


def test_no_module_imports_itself_through_others():
    """Also not within a folder."""
    graph = {file: set(modules_imported(file)) for file in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_every_folder_says_what_belongs_there():
    for folder in {file.parent for file in FILES}:
        assert ast.get_docstring(ast.parse((folder / '__init__.py').read_text())), folder
