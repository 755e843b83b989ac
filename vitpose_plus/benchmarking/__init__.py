"""Measures the speed of models: our engines and other programs take turns in one run."""
