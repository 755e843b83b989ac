"""Exports models to files that other programs run."""
