"""What wrappers of a model put before the names of its tensors."""

import re
from collections.abc import Iterable

from vitpose_plus.errors import UserError

# DDP's and DataParallel's, torch.compile's, and that of a class which holds the model (Lightning).
WRAPPERS = ('module.', '_orig_mod.', 'model.')
# A model may have a part called ``model``: it is a wrapper only before a backbone (MAE's is bare).
WRAPPED = re.compile(r'(?:module\.|_orig_mod\.|model\.)+(?:backbone|encoder|blocks)\.')
COMPILED = '._orig_mod.'  # within a name, where a part of the model was compiled


def own_names(names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The prefix that all names have, and name in the file -> name in the model.

    Raises:
        UserError: Some have a prefix, others have not.
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
            f'It has keys with and without "{mixed[0] if mixed else COMPILED[1:]}" before them: '
            'keep one kind.'
        )
    return prefix, own
