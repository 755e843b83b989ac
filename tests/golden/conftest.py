"""Builds the authors' models and samples in this package.

Sizes come from ``meta``, everything else from our included configs: so these are tested, too.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import build_on_meta

OUR_NAMES = dict(wholebody='coco_wholebody')


@pytest.fixture(scope='session')
def ours():
    """The functions of this file, which build our side of the comparison."""
    functions = (config, load, names_of, official, state_of, labelled, boxed, predicted)
    return SimpleNamespace(**{function.__name__: function for function in functions})


def names_of(meta):
    """Our names of the datasets, in the order of heads and experts."""
    return [OUR_NAMES.get(name, name) for name in meta['dataset_names']]


def config(meta, head='MultiDatasetHead'):
    """The included config for ``meta``, with its sizes; ``head`` is a type for several datasets."""
    body, decoder = meta['backbone'], meta['keypoint_head']
    several = body['type'] == 'ViTMoE'
    simple = '' if decoder['num_deconv_layers'] else '-simple'
    name = f'vitpose-plus-base{simple}_six-datasets' if several else f'vitpose-base{simple}_coco'
    cfg = Config.fromfile(find_config(f'{name}-256x192'), format_python_code=False)
    model = cfg.model
    model.train_cfg.compute_acc = True
    model.test_cfg.output_heatmaps = True
    fixed = [body[name] for name in ('patch_size', 'ratio', 'mlp_ratio', 'qkv_bias')]
    assert fixed == [16, 1, 4, True]  # as in every released model, and in our defaults
    model.backbone.update(
        arch=dict(depth=body['depth'], dim=body['embed_dim'], num_heads=body['num_heads']),
        input_hw=tuple(body['img_size']),
        drop_path_rate=body['drop_path_rate'],
    )
    h, w = body['img_size']
    sizes = dict(input_size=(w, h), heatmap_size=(w // 4, h // 4))
    if several:
        model.backbone.ffn.update(num_experts=body['num_expert'], expert_dim=body['part_features'])
        model.head.type = head
        assert [entry.dataset for entry in model.head.heads] == names_of(meta)
        for entry, count in zip(model.head.heads, meta['keypoints_per_head'], strict=True):
            entry.num_keypoints = count
            entry.codec.update(sizes)
    else:
        model.head.out_channels = decoder['out_channels']
        model.head.decoder.update(sizes)
    shared = model.head.head if several else model.head
    shared.in_channels = decoder['in_channels']
    shared.deconv_out_channels = tuple(decoder['num_deconv_filters'])
    shared.deconv_kernel_sizes = tuple(decoder['num_deconv_kernels'])
    return cfg


def state_of(cfg, arrays):
    """The ``state/*`` of a file, in our layout."""
    state = {k.removeprefix('state/'): v for k, v in arrays.items() if k.startswith('state/')}
    state = {name: torch.from_numpy(value) for name, value in state.items()}
    conversion = convert(state, 'official', model=build_on_meta(cfg.model))
    assert not conversion.dropped
    return conversion.state_dict


def load(cfg, state):
    """A model for evaluation."""
    model = MODELS.build(cfg.model)
    model.load_state_dict(state)
    return model.eval()


def official(values, extra_row=None):
    """Tensors of a model, or their gradients, by the authors' names.

    ``extra_row`` (C) is the first row of the authors' position table, which ours does not have.
    """
    values = convert(values, 'vitpose_plus', 'official').state_dict
    if extra_row is not None:
        values['backbone.pos_embed'][:, 0] = extra_row
    return {name: value.detach().numpy() for name, value in values.items()}


def labelled(target, weight, dataset=None):
    """A sample for training: heatmaps (K, h, w) and weights (K, 1)."""
    sample = PoseDataSample(metainfo=dict(dataset_name=dataset))
    sample.gt_fields = PixelData(heatmaps=torch.from_numpy(target))
    weights = torch.from_numpy(weight[None, :, 0])
    sample.gt_instance_labels = InstanceData(keypoint_weights=weights)
    return sample


def boxed(meta, center, scale, dataset=None):
    """A sample for testing, with the box's centre in pixels and its size in units of 200 pixels."""
    indices = list(range(meta['keypoint_head']['out_channels']))
    for a, b in meta['flip_pairs']:
        indices[a], indices[b] = b, a
    sample = PoseDataSample(
        metainfo=dict(
            dataset_name=dataset,
            input_center=center,
            input_scale=scale * 200,
            input_size=tuple(reversed(meta['backbone']['img_size'])),
            flip_indices=indices,
        )
    )
    size = scale[None] * 200
    corners = np.concatenate([center - size / 2, center + size / 2], axis=1)
    sample.gt_instances = InstanceData(bboxes=corners, bbox_scores=np.ones(1), bbox_scales=size)
    return sample


def predicted(samples):
    """Heatmaps (B, K, h, w), and x, y and score in the image (B, K, 3)."""
    heatmaps = torch.stack([sample.pred_fields.heatmaps for sample in samples]).numpy()
    instances = [sample.pred_instances for sample in samples]
    points = np.concatenate([found.keypoints for found in instances])
    scores = np.concatenate([found.keypoint_scores for found in instances])
    return heatmaps, np.concatenate([points, scores[..., None]], axis=-1)
