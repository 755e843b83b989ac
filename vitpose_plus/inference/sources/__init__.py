"""Where pictures come from: one class a kind of source."""

from vitpose_plus.inference.sources.opening import Sources, open_sources

__all__ = ['Sources', 'open_sources']
