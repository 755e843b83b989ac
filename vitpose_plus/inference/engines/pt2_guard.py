"""Loads .pt2 files of ``torch.export`` without evaluating anything from the file.

``torch.export.load`` is not safe for files from others. It unpickles weights, constants and sample
inputs. It also evaluates text of the graph: symbolic expressions, the code of guards, and names,
which become Python code. The checks here read the archive with torch's own reader before torch
loads it. They refuse everything that the exports of this package do not contain.
"""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vitpose_plus.errors import UserError, reason
from vitpose_plus.inference.engines.engine import damaged
from vitpose_plus.inference.engines.pt2_words import (
    EXPRESSIONS,
    KEYS,
    NAMED,
    OPERATORS,
    STRINGS,
    SYMBOL_FLAGS,
    TREES,
    UNUSED,
)

RECORDS = re.compile(
    r'data/weights/weight_\d+|data/constants/tensor_\d+|data/weights/model_weights_config\.json|'
    r'data/constants/model_constants_config\.json|data/sample_inputs/model\.pt|models/model\.json|'
    r'extra/vitpose_plus|archive_format|archive_version|byteorder|\.data/\w+'
)
PAYLOADS = ('data/weights/model_weights_config.json', 'data/constants/model_constants_config.json')
WORD = re.compile(r'[\w.]{0,300}', re.ASCII)
# Comparisons of sizes of the inputs: no other name, call or attribute can be written.
GUARD = re.compile(
    r"(L\['\w+'\]\.size\(\)\[\d+\]|\d+|[()*+-]|==|!=|<=|>=|<|>| or | and | )+", re.ASCII
)
MESSAGE = re.compile(r"Runtime assertion failed for expression [\w ()<>=!,+*/-]+ on node '\w+'")


class Unexpected(Exception):
    """Something in the archive that an export of this package does not have."""


def load(path: Path) -> torch.export.ExportedProgram:
    """Checks and loads a file.

    Raises:
        UserError: The file is damaged, or has something that could run code.
    """
    try:
        from torch.export.pt2_archive._package import PT2ArchiveReader, load_pt2
    except ImportError as error:
        raise UserError(
            f'{path} needs torch 2.9 or newer, and this is {torch.__version__}: update torch, or '
            'export the model to a .onnx file.'
        ) from error
    with open(path, 'rb') as file:  # checked and loaded from one open file
        try:
            check(PT2ArchiveReader(file))
        except Unexpected as error:
            raise UserError(
                f'{path} has {error}, which could run code of the file: use only files that '
                'vitpose export of this version wrote.'
            ) from error
        except Exception as error:  # torch's reader and a wrong structure can raise any error
            raise damaged(path, reason(error)) from error
        try:
            file.seek(0)
            return load_pt2(file).exported_programs['model']
        except Exception as error:  # as above
            raise damaged(path, reason(error)) from error


def check(reader: Any) -> None:
    """Checks all records of an archive; raises ``Unexpected``."""
    for name in reader.get_file_names():
        _require(RECORDS.fullmatch(name), f'the record {name!r}')
    for name in PAYLOADS:
        for payload in json.loads(reader.read_string(name))['config'].values():
            _require(payload['use_pickle'] is False, f'pickled values in {name}')
            path = payload['path_name']
            _require(re.fullmatch(r'(weight|tensor)_\d+', path), f'{path!r} in {name}')
    _require(not reader.read_bytes('data/sample_inputs/model.pt'), 'pickled sample inputs')
    _check_value('', json.loads(reader.read_string('models/model.json')))


def _check_value(key: str, value: Any) -> None:
    """Checks a value of the graph; ``key`` is the key of the innermost dict that has it."""
    if isinstance(value, dict):
        for name, each in value.items():
            known = WORD.fullmatch(name) if key in NAMED else name in KEYS
            _require(known, f'the key {name!r} in its graph')
            _check_value(name if key not in NAMED else '', each)
    elif isinstance(value, list):
        for each in value:
            _check_value(key, each)
    elif isinstance(value, str) and key not in UNUSED:
        _require(CHECKS.get(key, WORD.fullmatch)(value), f'{value[:100]!r} in its graph')


def _is_expression(text: str) -> bool:
    """Whether a text has only symbols, integers and known functions. It is parsed, never run."""
    try:
        return _is_known(ast.parse(text, mode='eval').body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_known(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_known(node.operand)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    if isinstance(node, ast.Name):
        return node.id in ('true', 'false')
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    if node.func.id == 'Symbol':
        return _is_symbol(node)
    known = node.func.id in EXPRESSIONS and not node.keywords
    return known and all(map(_is_known, node.args))


def _is_symbol(node: ast.Call) -> bool:
    """Whether a call is as ``Symbol('s58', positive=True, integer=True)``."""
    names = [each.value for each in node.args if isinstance(each, ast.Constant)]
    flags = [
        each.arg in SYMBOL_FLAGS and isinstance(each.value, ast.Constant) for each in node.keywords
    ]
    is_named = len(names) == len(node.args) == 1 and isinstance(names[0], str)
    return is_named and re.fullmatch(r'[su]\d+', names[0]) is not None and all(flags)


def _is_tree(text: str) -> bool:
    """Whether a text describes tuples, lists and empty dicts of tensors."""
    protocol, tree = json.loads(text)
    return protocol == 1 and _has_known_types(tree)


def _has_known_types(tree: dict[str, Any]) -> bool:
    known = tree['type'] in TREES and tree['context'] in (None, 'null', '[]')
    return known and all(map(_has_known_types, tree['children_spec']))


CHECKS: dict[str, Callable[[str], Any]] = dict(
    as_string=lambda text: text in STRINGS or MESSAGE.fullmatch(text),
    expr_str=_is_expression,
    guards_code=GUARD.fullmatch,
    in_spec=_is_tree,
    out_spec=_is_tree,
    target=OPERATORS.__contains__,
    torch_version=re.compile(r'[\w.+-]+', re.ASCII).fullmatch,
)


def _require(condition: Any, found: str) -> None:
    if not condition:
        raise Unexpected(found)
