"""Models for several datasets: a mixed batch gives the same results as each dataset alone."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import DATASETS, MODELS
from mmpose.structures import PoseDataSample

from tests.helpers.comparing import assert_same
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models import MultiDatasetHead

HEADS = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']


@pytest.fixture
def model(tiny_config):
    model = MODELS.build(tiny_config.model)
    for parameter in model.head.parameters():  # larger than 0.001, so that outputs differ
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.fixture
def whole(model, tiny_config):
    """The same model with the head that runs every decoder on the whole batch."""
    tiny_config.model.head.type = 'WholeBatchMultiDatasetHead'
    whole = MODELS.build(tiny_config.model)
    whole.load_state_dict(model.state_dict())
    return whole.eval()


@pytest.fixture
def samples(tiny_config):
    """Two prepared samples of every dataset, in turn."""
    dataset = DATASETS.build(tiny_config.train_dataloader.dataset)
    return [part[i] for i in range(2) for part in dataset.datasets]


def prepare(model, samples, training):
    return model.data_preprocessor(pseudo_collate(deepcopy(samples)), training=training)


def losses(model, samples):
    data = prepare(model, samples, training=True)
    return model.loss(data['inputs'], data['data_samples'])


def predictions(model, samples):
    data = prepare(model, samples, training=False)
    return model.predict(data['inputs'], data['data_samples'])


def of(samples, name):
    return [s for s in samples if s['data_samples'].dataset_name == name]


def test_there_is_a_head_and_an_expert_for_every_dataset(model):
    assert model.head.names == HEADS
    assert [layer.ffn.experts.weight.shape[0] for layer in model.backbone.layers] == [6] * 4


def test_the_loss_is_that_of_each_dataset_alone_times_its_share(model, samples):
    samples = samples[:6] + of(samples, 'coco')  # coco three times in eight
    mixed = losses(model, samples)
    for name in HEADS:
        own = of(samples, name)
        alone = losses(model, own)[f'{name}.loss_kpt'] * len(own) / len(samples)
        assert_same(mixed[f'{name}.loss_kpt'], alone)


def test_the_order_of_the_batch_has_no_effect(model, samples):
    forward, backward = losses(model, samples), losses(model, samples[::-1])
    for name, value in forward.items():
        assert_same(value, backward[name], name=name)


def test_predictions_of_a_mixed_batch_equal_those_of_each_dataset_alone(model, samples):
    mixed = predictions(model, samples)
    assert [p.dataset_name for p in mixed] == 2 * HEADS
    assert [p.pred_instances.keypoints.shape[1] for p in mixed] == 2 * [17, 14, 16, 17, 17, 133]
    for name in HEADS:
        alone = predictions(model, of(samples, name))
        together = [p for p in mixed if p.dataset_name == name]
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(
                a.pred_instances.keypoint_scores,
                b.pred_instances.keypoint_scores,
                rtol=1e-4,
                atol=1e-6,
            )


def test_heatmaps_of_a_mixed_batch_equal_those_of_each_dataset_alone(model, samples):
    """With the flip pairs of each sample and the heatmap shift of its crop."""
    model.test_cfg.update(output_heatmaps=True)
    mixed = predictions(model, samples)
    for name in HEADS:
        alone = predictions(model, of(samples, name))
        together = [p for p in mixed if p.dataset_name == name]
        for a, b in zip(alone, together, strict=True):
            assert_same(a.pred_fields.heatmaps, b.pred_fields.heatmaps)


def test_flip_test_is_the_mean_of_both_views_with_the_dataset_s_own_pairs(model, samples):
    model.test_cfg.update(output_heatmaps=True)
    data = prepare(model, samples[:6], training=False)
    index = model.head.dataset_index(data['data_samples'])
    plain, flipped = (
        model.head(model.extract_feat(view, index), data['data_samples'])
        for view in (data['inputs'], data['inputs'].flip(-1))
    )
    for row, sample in enumerate(model.predict(**data)):
        back = flipped[row].flip(-1)[sample.flip_indices]
        if HEADS[row] not in ('coco', 'mpii'):  # plain crops: one pixel to the right
            back = torch.cat([back[..., :1], back[..., :-1]], dim=-1)
        assert_same(sample.pred_fields.heatmaps, (plain[row] + back) / 2)


@pytest.mark.parametrize('without', [['aic'], ['coco', 'apt36k']])
def test_datasets_without_flip_test_are_predicted_from_the_crops_alone(model, samples, without):
    """All others as with the flip test; both bit for bit."""
    index = model.head.dataset_index([s['data_samples'] for s in samples])
    data = prepare(model, samples, training=False)
    settings = [dict(model.test_cfg, flip_test=one, output_heatmaps=True) for one in (True, False)]

    def predicted(feats, test_cfg):
        instances, fields = model.head.predict(feats, data['data_samples'], test_cfg)
        return [
            (one.keypoints, one.keypoint_scores, maps.heatmaps.numpy())
            for one, maps in zip(instances, fields, strict=True)
        ]

    with torch.no_grad():
        views = [
            model.extract_feat(one, index) for one in (data['inputs'], data['inputs'].flip(-1))
        ]
        with_flips, alone = predicted(views, settings[0]), predicted(views[0], settings[1])
        for name in without:
            model.head.dataset_test_cfg[name] |= dict(flip_test=False)
        mixed = predicted(views, settings[0])
    for row, (one, flipped, crop) in enumerate(zip(mixed, with_flips, alone, strict=True)):
        assert not np.array_equal(flipped[2], crop[2])
        expected = crop if HEADS[row % 6] in without else flipped
        assert all(map(np.array_equal, one, expected)), HEADS[row % 6]


def test_every_parameter_gets_a_gradient_which_is_zero_for_a_missing_dataset(model, samples):
    model.train()
    present = [s for s in samples if s['data_samples'].dataset_name != 'mpii']
    sum(v for k, v in losses(model, present).items() if 'loss' in k).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if name.startswith('head.heads.mpii'):
            assert torch.count_nonzero(parameter.grad) == 0, name
        elif 'head' in name:
            assert torch.count_nonzero(parameter.grad) > 0, name
        if '.experts.' in name:
            absent = HEADS.index('mpii')
            assert torch.count_nonzero(parameter.grad[absent]) == 0, name
            assert parameter.grad.flatten(1).abs().sum(1).gt(0).sum() == 5, name


def test_unknown_dataset_lists_the_known_ones(model, samples):
    samples[0]['data_samples'].set_metainfo(dict(dataset_name='zebra'))
    with pytest.raises(ValueError, match="no head for the dataset 'zebra': it has coco, aic"):
        predictions(model, samples)


def test_checkpoint_with_the_heads_in_another_order_is_refused(model, tiny_config):
    heads = tiny_config.model.head.heads
    tiny_config.model.head.heads = [heads[1], heads[0], *heads[2:]]
    swapped = MODELS.build(tiny_config.model)
    with pytest.raises(ValueError, match=r'order coco, aic, mpii.*are aic, coco, mpii'):
        swapped.load_state_dict(model.state_dict())
    model.load_state_dict(model.state_dict())


def test_a_dataset_without_a_name_is_refused(tiny_config):
    head = tiny_config.model.head
    with pytest.raises(ValueError, match='among the heads has an empty name: give it one'):
        MultiDatasetHead(head.head, [dict(head.heads[0], dataset='')])


def test_a_batch_without_images_has_no_heatmaps_and_losses_of_zero(model, whole):
    feats = (torch.zeros(0, 128, 16, 12),)
    for head in (model.head, whole.head):
        assert head.dataset_index([]).dtype == torch.int64
        assert head(feats, []) == head.predict(feats, []) == []
        assert head.loss(feats, []) == {f'{name}.loss_kpt': 0 for name in HEADS}


def test_a_repeated_dataset_is_refused(tiny_config):
    head = tiny_config.model.head
    with pytest.raises(ValueError, match='A dataset appears twice among the heads: coco, coco'):
        MultiDatasetHead(head.head, [head.heads[0], head.heads[0]])


def test_forward_without_samples_names_what_is_missing(model):
    with pytest.raises(ValueError, match="needs each sample's dataset"):
        model(torch.zeros(1, 3, 256, 192), None, mode='tensor')


@pytest.mark.parametrize('decoder', ['', '-simple'])
def test_decoders_end_at_a_quarter_of_the_input(decoder):
    cfg = Config.fromfile(find_config(f'vitpose-plus-base{decoder}_six-datasets-256x192'))
    cfg.model.backbone.arch = dict(depth=1, dim=768, num_heads=12)
    model = MODELS.build(cfg.model)
    feats = model.extract_feat(torch.randn(1, 3, 256, 192), torch.tensor([1]))
    assert model.head.heads['aic'](feats).shape == (1, 14, 64, 48)


def test_loss_in_bf16_is_close_to_that_in_full_precision(model, samples):
    full = losses(model, samples)
    with torch.autocast('cpu', torch.bfloat16):
        half = losses(model, samples)
    for name, value in full.items():
        assert_same(half[name].float(), value, roundings=4, precision=torch.bfloat16, name=name)


def test_a_head_on_the_whole_batch_counts_only_its_own_images(whole, samples):
    """Computed by hand: each decoder on all features, then the squared error of its own rows."""
    whole.train()
    data = prepare(whole, samples, training=True)
    index = whole.head.dataset_index(data['data_samples'])
    feats = whole.extract_feat(data['inputs'], index)
    losses = whole.head.loss(feats, data['data_samples'], dict(compute_acc=True))
    for number, name in enumerate(HEADS):
        heatmaps = whole.head.heads[name](feats)
        error = 0.0
        for row in (index == number).nonzero().flatten().tolist():
            sample = data['data_samples'][row]
            weights = sample.gt_instance_labels.keypoint_weights[0, :, None, None]
            error += ((heatmaps[row] - sample.gt_fields.heatmaps) ** 2 * weights).sum()
        assert_same(losses[f'{name}.loss_kpt'], error / heatmaps.numel())


def test_the_two_heads_differ_only_in_their_batch_norms(model, whole, samples):
    """With fixed statistics, losses and accuracies are equal; in training they differ."""
    for each in (model, whole):
        each.train_cfg.update(compute_acc=True)
    alone, together = losses(model, samples), losses(whole, samples)
    assert set(alone) == set(together)
    for name, value in alone.items():
        assert_same(value, together[name], name=name)
    alone, together = losses(model.train(), samples), losses(whole.train(), samples)
    for name in HEADS:
        loss = f'{name}.loss_kpt'
        assert not torch.isclose(alone[loss], together[loss], rtol=1e-5, atol=0), name


def test_in_a_batch_of_one_dataset_the_two_heads_are_equal(model, whole, samples):
    own = of(samples, 'aic')
    alone, together = losses(model.train(), own), losses(whole.train(), own)
    assert set(alone) == set(together)  # no accuracies: the config turns them off
    for name, value in alone.items():
        assert_same(value, together[name], name=name)
    first, second = (each.head.heads['aic'].state_dict() for each in (model, whole))
    for name, value in first.items():
        assert_same(value, second[name], name=name)


def test_the_two_heads_predict_the_same(model, whole, samples):
    for each in (model, whole):
        each.test_cfg.update(output_heatmaps=True)
    for a, b in zip(predictions(model, samples), predictions(whole, samples), strict=True):
        assert torch.equal(a.pred_fields.heatmaps, b.pred_fields.heatmaps)


def test_a_missing_dataset_gets_new_statistics_and_zero_gradients(whole, samples):
    whole.train().train_cfg.update(compute_acc=True)
    absent = whole.head.heads['mpii']
    before = {name: buffer.clone() for name, buffer in absent.named_buffers()}
    present = [s for s in samples if s['data_samples'].dataset_name != 'mpii']
    found = losses(whole, present)
    assert found['mpii.loss_kpt'] == 0
    assert found['mpii.acc_pose'] == 0
    sum(v for k, v in found.items() if 'loss' in k).backward()
    for name, parameter in absent.named_parameters():
        assert torch.count_nonzero(parameter.grad) == 0, name
    for name, parameter in whole.named_parameters():
        assert parameter.grad is not None, name
    for name, buffer in absent.named_buffers():
        assert not torch.equal(buffer, before[name]), name


def losses_of_copied_rows(head, feats, samples):
    """The losses without views: the rows of every dataset are copied."""
    found = {}
    for name, decoder in head.decoders.items():
        rows = [row for row, sample in enumerate(samples) if sample.dataset_name == name]
        own = decoder.loss([feat[rows] for feat in feats], [samples[row] for row in rows], {})
        for key, value in own.items():
            share = len(rows) / len(samples) if 'loss' in key else 1.0
            found[f'{name}.{key}'] = value * share
    return found


def losses_of_new_ignored_samples(head, feats, samples):
    """The losses of whole batches, with ignored samples that are created every time."""
    found = {}
    h, w = samples[0].gt_fields.heatmaps.shape[-2:]
    for name, decoder in head.decoders.items():
        own = []
        for sample in samples:
            empty = PoseDataSample()
            empty.gt_fields = PixelData(heatmaps=torch.zeros(decoder.out_channels, h, w))
            weights = torch.zeros(1, decoder.out_channels)
            empty.gt_instance_labels = InstanceData(keypoint_weights=weights)
            own.append(sample if sample.dataset_name == name else empty)
        found |= {f'{name}.{key}': value for key, value in decoder.loss(feats, own, {}).items()}
    return found


@pytest.mark.parametrize('in_order', [True, False])
@pytest.mark.parametrize('kind', ['model', 'whole'])
def test_losses_and_gradients_equal_those_of_copied_rows(kind, in_order, samples, request):
    model = request.getfixturevalue(kind).train()
    expected = losses_of_copied_rows if kind == 'model' else losses_of_new_ignored_samples
    samples = sorted(samples, key=lambda s: HEADS.index(s['data_samples'].dataset_name))
    samples = samples if in_order else samples[::2] + samples[1::2]
    data = prepare(model, samples, training=True)['data_samples']
    feats = torch.randn(len(data), 128, 16, 12)
    results, gradients = [], []
    start = deepcopy(model.state_dict())
    for way in (expected, MultiDatasetHead.loss if kind == 'model' else type(model.head).loss) * 2:
        model.load_state_dict(start)
        leaf = feats.clone().requires_grad_()
        results.append(way(model.head, (leaf,), data))
        sum(v for k, v in results[-1].items() if 'loss' in k).backward()
        gradients.append(leaf.grad)
    for result, gradient in zip(results[1:], gradients[1:], strict=True):
        assert result == results[0]
        assert torch.equal(gradient, gradients[0])


def test_a_sorted_batch_is_not_copied(model, samples):
    samples = [s for name in HEADS for s in of(samples, name)]
    data = prepare(model, samples, training=True)['data_samples']
    feats = torch.randn(len(data), 128, 16, 12)
    seen = []
    for decoder in model.head.decoders.values():
        decoder.deconv_layers.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    model.head((feats,), data)
    model.head.predict((feats,), data)
    assert len(seen) == 2 * len(HEADS)
    assert {part.untyped_storage().data_ptr() for part in seen} == {feats.data_ptr()}
    assert torch.equal(torch.cat(seen[: len(HEADS)]), feats)


def test_ignored_samples_are_created_once(whole, samples):
    data = prepare(whole, samples, training=True)['data_samples']
    feats = (torch.randn(len(data), 128, 16, 12),)
    with torch.inference_mode():
        whole.head.loss(feats, data)
    created = dict(whole.head._ignored_samples)
    assert {key[0] for key in created} == {14, 16, 17, 133}
    whole.head.loss(feats, data)
    assert all(whole.head._ignored_samples[key] is value for key, value in created.items())
    assert not any(s.gt_fields.heatmaps.is_inference() for s in created.values())


def test_only_a_loss_is_added_to_the_loss(model):
    """mmengine would also add the accuracy of a dataset with "loss" in its name."""
    losses = {
        'loss_set.loss_kpt': torch.tensor(1.0),
        'loss_set.acc_pose': torch.tensor(10.0),
        'a.loss.acc_pose': torch.tensor(20.0),
        'coco.loss_kpt': [torch.tensor(2.0), torch.tensor(3.0)],
        'coco.acc_pose': torch.tensor(30.0),
    }
    total, log = model.parse_losses(losses)
    assert total == 1 + 2 + 3
    assert list(log) == ['loss', *losses]
    assert [float(value) for value in log.values()] == [6, 1, 10, 20, 5, 30]


def test_for_other_names_the_log_equals_mmengine_s(model, samples):
    model.train_cfg.update(compute_acc=True)
    found = losses(model, samples)
    (own, own_log), (total, log) = model.parse_losses(found), BaseModel.parse_losses(model, found)
    assert own == total
    assert list(own_log.items()) == list(log.items())
