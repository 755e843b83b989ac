"""Suggests frames that are worth labelling next."""
