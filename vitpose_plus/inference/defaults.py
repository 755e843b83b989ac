"""Defaults of ``vitpose predict`` and ``PosePredictor``; this module does not import torch."""

MODEL = 'vitpose-plus-base'
BOXES = 'rtmdet-m'
BOX_SCORE = 0.3  # detections with a lower score are left out
SCORE = 0.3  # keypoints with a higher score are drawn, and count as visible
