"""Imports go in one direction: a folder of the package imports only from lower levels."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'vitpose_plus'
# From the lowest level to the highest. Folders of one level do not import from each other.
ORDER = [
    {'errors', 'version'},
    {'addresses', 'encoding', 'files', 'compat', 'moved'},
    {'registration'},
    {'codecs', 'models'},
    {'datasets'},
    {'experiments'},
    {'checkpoints'},
    {'distillation', 'evaluation', 'visualization'},
    {'engine'},
    {'inference'},
    {'reports', 'export'},
    {'benchmarking'},
    {'app'},
    {'commands'},
    {'__main__'},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
FILES = [file for file in sorted(PACKAGE.rglob('*.py')) if '.mim' not in file.parts]


def place(module):
    """Returns the name in ``ORDER``: the first part of a module's name within the package."""
    return module.split('.')[1] if '.' in module else None


def imported(file):
    """Yields the names in ``ORDER`` from which a file imports, at its top or in its functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{file}:{node.lineno} is a relative import'
            module = node.module
            names = [f'{module}.{a.name}' for a in node.names] if module == PACKAGE.name else []
            yield from (place(name) for name in names or [module] if name.startswith(PACKAGE.name))
        elif isinstance(node, ast.Import):
            yield from (place(a.name) for a in node.names if a.name.startswith(PACKAGE.name))


def test_every_folder_and_module_has_a_level():
    parts = {file.relative_to(PACKAGE).parts[0].removesuffix('.py') for file in FILES}
    assert parts - {'__init__'} == set(LEVEL)


@pytest.mark.parametrize('file', FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_in_one_direction(file):
    own = file.relative_to(PACKAGE).parts[0].removesuffix('.py')
    for other in set(imported(file)) - {own, None}:
        lower = own == '__init__' or LEVEL[other] < LEVEL[own]
        assert lower, f'{file.relative_to(PACKAGE)} imports from {other}, which has no lower level'


def modules_imported(file):
    """Yields the modules, not packages, that a file imports by an import statement.

    ``registration``, ``moved`` and ``commands`` also import modules by name at run time. This does
    no harm, because all other modules are loaded then.
    """
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(PACKAGE.name):
            for module in (node.module, *(f'{node.module}.{alias.name}' for alias in node.names)):
                path = PACKAGE.parent.joinpath(*module.split('.')).with_suffix('.py')
                if path in FILES:
                    yield path


def test_no_module_imports_itself_through_others():
    """This is also true within a folder."""
    graph = {file: set(modules_imported(file)) for file in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_every_folder_has_a_docstring():
    for folder in {file.parent for file in FILES}:
        assert ast.get_docstring(ast.parse((folder / '__init__.py').read_text())), folder
