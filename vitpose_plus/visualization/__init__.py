"""Draws poses on pictures, and sheets of several pictures."""

from vitpose_plus.visualization.sheets import ContactSheet, contact_sheet, reconstruction_sheet

__all__ = ['ContactSheet', 'contact_sheet', 'reconstruction_sheet']
