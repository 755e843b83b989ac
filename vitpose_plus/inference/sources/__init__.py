"""The sources of pictures: one class for each kind of source."""

from vitpose_plus.inference.sources.opening import Sources, open_sources

__all__ = ['Sources', 'open_sources']
