"""Draws poses on pictures, and sheets of several pictures."""

from vitpose_plus.visualization.sheets import contact_sheet, reconstruction_sheet

__all__ = ['contact_sheet', 'reconstruction_sheet']
