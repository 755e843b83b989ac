# Activation checkpointing by mmengine: activations are not kept, but computed a second time.
_base_ = '../vitpose/vitpose-huge_coco-256x192.py'

activation_checkpointing = [f'backbone.layers.{layer}' for layer in range(32)]
