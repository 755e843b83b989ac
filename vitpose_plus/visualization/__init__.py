"""Pictures: poses drawn on them, and sheets of many."""

from vitpose_plus.visualization.sheets import contact_sheet, reconstruction_sheet

__all__ = ['contact_sheet', 'reconstruction_sheet']
