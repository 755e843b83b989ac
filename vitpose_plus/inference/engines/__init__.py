"""Runs exported files: one class for each engine."""
