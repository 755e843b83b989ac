"""Boxes of people and animals from detectors, files and arrays; one class for each kind."""

from vitpose_plus.inference.boxes.opening import open_boxes
from vitpose_plus.inference.boxes.source import Boxes, BoxSource

__all__ = ['BoxSource', 'Boxes', 'open_boxes']
