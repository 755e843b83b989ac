"""Defaults of ``vitpose predict`` and ``PosePredictor``; this module does not import torch."""

MODEL = 'vitpose-plus-base'
BOXES = 'rtmdet-m'
DETECTORS = ('rtmdet-m', 'rtmdet-m-coco')  # the choices of ``vitpose app``
BOX_SCORE = 0.3  # detections with a lower score are left out
# A detection with a lower score extends a track, but starts none; the value of ByteTrack's paper.
START_SCORE = 0.6
SCORE = 0.3  # keypoints with a higher score are drawn, and count as visible
