"""The sources of pictures: one class for each kind of source."""

from vitpose_plus.inference.sources.opening import Planned, Sources, open_sources
from vitpose_plus.inference.sources.selection import ALL, Selection

__all__ = ['ALL', 'Planned', 'Selection', 'Sources', 'open_sources']
