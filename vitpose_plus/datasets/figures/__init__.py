"""Drawn people and animals, in the file formats of the datasets of ViTPose+."""

from .generate import write_figures

__all__ = ['write_figures']
