"""Synthetic figures: people and animals in the file formats of the datasets of ViTPose+."""

from vitpose_plus.datasets.figures.folder import write_figures

__all__ = ['write_figures']
