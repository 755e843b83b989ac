"""Removes the prefixes that wrappers of a model add to the names of its tensors."""

import re
from collections.abc import Iterable

from vitpose_plus.errors import UserError

# The prefixes of DDP and DataParallel, of torch.compile, and of a class that contains the model as
# a part (Lightning).
WRAPPERS = ('module.', '_orig_mod.', 'model.')
# A model may itself have a part called ``model``. So ``model.`` is removed only before one of these
# names; MAE's files have no ``backbone.``.
WRAPPED = re.compile(r'(?:module\.|_orig_mod\.|model\.)+(?:backbone|encoder|blocks)\.')
COMPILED = '._orig_mod.'  # inside a name, if a part of the model was compiled


def own_names(names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Returns the prefix that all names have, and a table: name in the file -> name in the model.

    Raises:
        UserError: Some names have a prefix, and others do not.
    """
    names = list(names)
    wrappers = WRAPPERS if any(map(WRAPPED.match, names)) else WRAPPERS[:2]
    prefix = ''
    while more := [w for w in wrappers if all(n.startswith(prefix + w) for n in names)]:
        prefix += more[0]
    own = {name: name.removeprefix(prefix).replace(COMPILED, '.') for name in names}
    mixed = [w for w in wrappers if any(name.startswith(w) for name in own.values())]
    if mixed or len(set(own.values())) < len(own):
        raise UserError(
            f'It has keys with and without the prefix "{mixed[0] if mixed else COMPILED[1:]}": '
            'keep one kind.'
        )
    return prefix, own
