"""What ``vitpose predict`` and ``PosePredictor`` take by default; imported without torch."""

MODEL = 'vitpose-plus-base'
BOXES = 'rtmdet-m'
BOX_SCORE = 0.3  # detections that score less are left out
SCORE = 0.3  # keypoints that score more are drawn, and taken for seen
