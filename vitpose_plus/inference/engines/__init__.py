"""Runs exported files: one class for each engine."""

import os

# ONNX Runtime reads it when it is imported. Without it, ONNX Runtime sends usage data.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
