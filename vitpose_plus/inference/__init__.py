"""Predicts poses in pictures: sources, boxes, the model, results and their formats."""
