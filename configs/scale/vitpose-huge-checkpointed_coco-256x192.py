# Activation checkpointing by mmengine: activations are computed twice instead of kept.
_base_ = '../vitpose/vitpose-huge_coco-256x192.py'

activation_checkpointing = [f'backbone.layers.{layer}' for layer in range(32)]
