"""The sizes of the plain vision transformers."""

from typing import NamedTuple

from vitpose_plus.errors import UserError


class Arch(NamedTuple):
    depth: int
    dim: int
    num_heads: int


ARCHS = {
    'tiny': Arch(4, 128, 4),  # our own, for the demo and the tests
    'small': Arch(12, 384, 12),
    'base': Arch(12, 768, 12),
    'large': Arch(24, 1024, 16),
    'huge': Arch(32, 1280, 16),
    'giant': Arch(40, 1408, 16),  # our reading of ViTPose-G: see ViTAE
}


def find_arch(arch: str | dict) -> Arch:
    """Returns the sizes with this name, or those in the dict ``arch``."""
    if isinstance(arch, dict):
        return Arch(**arch)
    if arch not in ARCHS:
        raise UserError(
            f'arch={arch!r} is not known: use one of {", ".join(ARCHS)}, '
            f'or a dict of {", ".join(Arch._fields)}.'
        )
    return ARCHS[arch]
