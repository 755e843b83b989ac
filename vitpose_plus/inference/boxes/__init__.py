"""Boxes of people and animals: of detectors, files and arrays; a class for every kind."""

from vitpose_plus.inference.boxes.opening import open_boxes
from vitpose_plus.inference.boxes.source import Boxes, BoxSource

__all__ = ['BoxSource', 'Boxes', 'open_boxes']
