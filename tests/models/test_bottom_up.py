"""The bottom-up head: its losses, its initial weights and its flip test."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from tests.helpers.comparing import assert_same

K = 4
FLIP = [0, 2, 1, 3]
WINDOWS = [dict(type='WindowAttention', window_hw=(2, 2)), dict(type='FullAttention')]


def estimator(attention=None, **test_cfg):
    backbone = dict(
        type='ViT',
        arch=dict(depth=2, dim=16, num_heads=2),
        input_hw=(64, 64),
        attention=attention,
    )
    head = dict(
        type='BottomUpHead',
        in_channels=16,
        num_keypoints=K,
        deconv_out_channels=(8, 8),
        deconv_kernel_sizes=(4, 4),
        tag_loss=dict(type='BatchedAssociativeEmbeddingLoss', loss_weight=0.001),
        decoder=dict(
            type='BatchedAssociativeEmbedding', input_size=(64, 64), heatmap_size=(16, 16)
        ),
    )
    return MODELS.build(
        dict(type='BottomupPoseEstimator', backbone=backbone, head=head, test_cfg=test_cfg)
    )


def sample(model, points, mask=None, flip_indices=FLIP):
    """A training sample of 64x64 pixels with people (N, K, 2), as the pipeline makes it."""
    encoded = model.head.decoder.encode(points)
    one = PoseDataSample(metainfo=dict(flip_indices=flip_indices, input_size=(64, 64)))
    one.set_metainfo(dict(input_center=torch.tensor([32, 32]).numpy(), input_scale=64))
    mask = torch.ones(1, 16, 16, dtype=torch.bool) if mask is None else mask
    one.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']), heatmap_mask=mask)
    one.gt_instance_labels = InstanceData(
        keypoint_indices=torch.from_numpy(encoded['keypoint_indices'])
    )
    one.gt_instances = InstanceData()
    return one


def some_people(number, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (4 + 56 * torch.rand(number, K, 2, generator=generator)).numpy()


@pytest.mark.parametrize('counts', [(3, 1), (2, 0), (0, 0)])
@pytest.mark.parametrize('attention', [None, WINDOWS], ids=['full', 'windows'])
def test_every_parameter_gets_a_gradient(attention, counts):
    """Also for a batch without people, where the tag losses are zero."""
    model = estimator(attention).train()
    samples = [sample(model, some_people(count)) for count in counts]
    losses = model.loss(torch.randn(2, 3, 64, 64), samples)
    assert set(losses) == {'loss_kpt', 'loss_pull', 'loss_push'}
    loss, _ = model.parse_losses(losses)
    assert loss.isfinite()
    if not any(counts):
        assert losses['loss_pull'] == losses['loss_push'] == 0
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.ndim == 1 or parameter.grad.abs().sum() > 0, name


def test_the_tag_losses_alone_train_the_backbone():
    model = estimator().train()
    losses = model.loss(torch.randn(1, 3, 64, 64), [sample(model, some_people(3))])
    (losses['loss_pull'] + losses['loss_push']).backward()
    assert model.backbone.patch_embed.weight.grad.abs().sum() > 0
    final = model.head.final_layer.weight.grad.flatten(1).abs().sum(1) > 0
    assert final.tolist() == [False] * K + [True] * K  # heatmaps first, then tags


def test_heatmaps_count_only_inside_the_mask():
    model = estimator().eval()
    mask = torch.ones(1, 16, 16, dtype=torch.bool)
    mask[:, 4:9, 2:7] = False
    one = sample(model, some_people(2), mask)
    other = deepcopy(one)
    other.gt_fields.heatmaps = torch.where(mask, one.gt_fields.heatmaps, 7.0)
    inputs = torch.randn(1, 3, 64, 64)
    heatmaps, _ = model.head(model.extract_feat(inputs))
    by_hand = ((heatmaps - one.gt_fields.heatmaps).square() * mask).mean()
    for given in (one, other):
        assert_same(model.loss(inputs, [given])['loss_kpt'], by_hand)


def finding_people(**test_cfg):
    """A model with large random weights, which finds people in noise."""
    model = estimator(**test_cfg).eval()
    torch.nn.init.normal_(model.head.final_layer.weight, std=0.5)
    return model


@torch.no_grad()
def predict(model, inputs, **kwargs):
    [result] = model.predict(inputs, [sample(model, some_people(1), **kwargs)])
    return result


def test_predicts_without_a_flip_test():
    model = finding_people()
    people = predict(model, torch.randn(1, 3, 64, 64)).pred_instances
    assert len(people) > 0
    assert people.keypoints.shape == (len(people), K, 2)
    assert people.keypoint_scores.shape == (len(people), K)
    assert people.bbox_scores.shape == (len(people),)


def test_with_the_flip_test_a_flipped_picture_gives_flipped_people():
    """Without flip pairs, as the grouping has an order of left and right. The tolerance is one
    heatmap pixel, because DARK's mixed second derivative uses only one diagonal."""
    model, inputs = finding_people(flip_test=True), torch.randn(1, 3, 64, 64)
    people, mirrored = (
        predict(model, view, flip_indices=range(K)).pred_instances
        for view in (inputs, inputs.flip(-1))
    )
    assert len(people) == len(mirrored) > 0
    np.testing.assert_allclose(people.bbox_scores, mirrored.bbox_scores, rtol=1e-4)
    back = mirrored.keypoints * (-1, 1) + (63, 0)
    assert np.abs(people.keypoints - back).max() < 4.001


def test_with_the_flip_test_left_and_right_change_places():
    model, inputs = finding_people(flip_test=True, output_heatmaps=True), torch.randn(1, 3, 64, 64)
    fields, mirrored = (predict(model, view).pred_fields for view in (inputs, inputs.flip(-1)))
    torch.testing.assert_close(fields.heatmaps, mirrored.heatmaps[FLIP].flip(-1))
    own, flipped = mirrored.tags[:K], mirrored.tags[K:]
    torch.testing.assert_close(fields.tags, torch.cat([flipped[FLIP], own[FLIP]]).flip(-1))


def test_pictures_of_other_sizes_are_tested_too():
    people = predict(finding_people(flip_test=True), torch.randn(1, 3, 64, 96)).pred_instances
    assert people.keypoints[..., 0].max() > 64


def test_initial_tags_vary_more_than_initial_heatmaps():
    model = estimator()
    model.init_weights()
    heatmaps, tags = model.eval().head(model.extract_feat(torch.randn(1, 3, 64, 64)))
    assert heatmaps.std() < 0.1 * tags.std()


def test_positions_start_as_sines_so_that_near_positions_are_similar():
    backbone = dict(type='SinePositionViT', arch=dict(depth=1, dim=32, num_heads=2))
    table = MODELS.build(dict(backbone, input_hw=(128, 160))).pos_embed.detach()
    assert table.shape == (1, 8, 10, 32)
    apart = [(table[0, 2, 3] - table[0, 2, 3 + step]).norm() for step in range(1, 4)]
    assert apart == sorted(apart)
    assert apart[0] > 0
    assert MODELS.build(dict(backbone, input_hw=(128, 160))).pos_embed.requires_grad
