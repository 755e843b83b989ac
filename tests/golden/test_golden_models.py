"""Features, heatmaps, losses and decoded points of the authors' models: A, B, C and D."""

import numpy as np
import pytest
import torch
from mmpose.evaluation.metrics import CocoMetric

from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.splitting import split
from vitpose_plus.codecs.heatmaps import BatchedUDPHeatmap
from vitpose_plus.models.building import build_on_meta

PLAIN = ['A_vit_classic.npz', 'B_vit_simple.npz']
MIXED = ['C_moe_all.npz', 'C_moe_absent.npz']
SPLIT = ['D_split_coco.npz', 'D_split_aic.npz', 'D_split_wholebody.npz']
HEADS = ['MultiDatasetHead', 'WholeBatchMultiDatasetHead']


@pytest.fixture(params=PLAIN)
def plain(request, golden, ours):
    """The file's arrays and meta, and the model."""
    arrays, meta = golden(request.param)
    cfg = ours.config(meta)
    return arrays, meta, ours.load(cfg, ours.state_of(cfg, arrays))


@pytest.fixture
def six(golden, ours):
    """The six-dataset model's config and weights by the class of its head."""
    arrays, meta = golden('C_moe_state.npz')

    def build(head='MultiDatasetHead'):
        cfg = ours.config(meta, head)
        return cfg, ours.state_of(cfg, arrays)

    return build


@torch.no_grad()
def test_plain_features_and_heatmaps(plain):
    arrays, _, model = plain
    images = torch.from_numpy(arrays['in/img'])
    heatmaps = model.head(model.extract_feat(images))
    np.testing.assert_allclose(heatmaps, arrays['out/heatmap'], rtol=0, atol=5e-5)
    layers = model.backbone.layers
    modules = {f'backbone.blocks.{i}': layer for i, layer in enumerate(layers)}
    modules['backbone.patch_embed'] = model.backbone.patch_embed
    modules['backbone.last_norm'] = model.backbone.norm
    found = {}
    for name, module in modules.items():
        module.register_forward_hook(lambda *a, name=name: found.update({name: a[-1]}))
    [features] = model.backbone(images)
    found['backbone.patch_embed'] = found['backbone.patch_embed'].flatten(2).transpose(1, 2)
    np.testing.assert_allclose(features, arrays['out/backbone'], rtol=0, atol=5e-5)
    expected = {k.removeprefix('mid/'): v for k, v in arrays.items() if k.startswith('mid/')}
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-4, err_msg=name)


def test_plain_training_pass(plain, ours):
    arrays, _, model = plain
    model.train()
    pairs = zip(arrays['train/target'], arrays['train/target_weight'], strict=True)
    samples = [ours.labelled(target, weight) for target, weight in pairs]
    losses = model.loss(torch.from_numpy(arrays['in/img']), samples)
    total, _ = model.parse_losses(losses)
    total.backward()
    expected = arrays['train/out/heatmap_loss']
    np.testing.assert_allclose(total.detach(), expected, rtol=0, atol=1e-6)
    assert float(losses['acc_pose']) == arrays['train/out/acc_pose']
    grads = {name: parameter.grad for name, parameter in model.named_parameters()}
    grads = ours.official(grads, extra_row=model.backbone.pos_embed.grad.sum((0, 1, 2)))
    norms = {k.removeprefix('train/grad_norm/'): v for k, v in arrays.items() if '/grad_norm/' in k}
    assert set(norms) == set(grads)
    for name, norm in norms.items():
        np.testing.assert_allclose(np.linalg.norm(grads[name]), norm, rtol=1e-4, err_msg=name)
    after = ours.official(model.state_dict())
    for key, value in arrays.items():
        if key.startswith('train/buffers_after/'):
            name = key.removeprefix('train/buffers_after/')
            np.testing.assert_allclose(after[name], value, rtol=0, atol=1e-5, err_msg=name)


def test_plain_flip_test(plain, ours):
    arrays, meta, model = plain
    check_settings(model.head.decoder, model.test_cfg, meta['test_cfg'])
    boxes = zip(arrays['test/center'], arrays['test/scale'], strict=True)
    samples = [ours.boxed(meta, center, scale) for center, scale in boxes]
    with torch.no_grad():
        predicted = model.predict(torch.from_numpy(arrays['test/img']), samples)
    check_predictions(predicted, arrays, 'test/out', ours)


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('file', MIXED)
@torch.no_grad()
def test_each_sample_through_its_own_expert_and_head(file, head, six, golden, ours):
    arrays, meta = golden(file)
    model = ours.load(*six(head))
    names = ours.names_of(meta)
    images, index = (torch.from_numpy(arrays[f'in/{part}']) for part in ('img', 'dataset_idx'))
    features = model.extract_feat(images, index)
    np.testing.assert_allclose(features[0], arrays['eval/backbone'], rtol=0, atol=5e-5)
    pairs = zip(arrays['in/target'], arrays['in/target_weight'], index.tolist(), strict=True)
    samples = [ours.labelled(target, weight, names[i]) for target, weight, i in pairs]
    assert model.head.dataset_index(samples).equal(index)
    heatmaps = model.head(features, samples)
    for number in index.unique().tolist():
        own = torch.stack([heatmaps[row] for row in (index == number).nonzero()])
        expected = arrays[f'eval/heatmap_head{number}']
        np.testing.assert_allclose(own, expected, rtol=0, atol=5e-5)
    [in_training] = model.train().extract_feat(images, index)
    np.testing.assert_allclose(in_training, arrays['train/backbone'], rtol=0, atol=5e-5)


@pytest.mark.parametrize('head', HEADS)
def test_six_datasets_flip_test(head, six, golden, ours):
    arrays, meta = golden('C_moe_test.npz')
    model = ours.load(*six(head))
    first = model.head.names[0]
    settings = {**model.test_cfg, **model.head.dataset_test_cfg[first]}
    check_settings(model.head.heads[first].decoder, settings, meta['test_cfg'])
    assert not arrays['coco/dataset_idx'].any()
    boxes = zip(arrays['coco/center'], arrays['coco/scale'], strict=True)
    samples = [ours.boxed(meta, center, scale, first) for center, scale in boxes]
    with torch.no_grad():
        predicted = model.predict(torch.from_numpy(arrays['coco/img']), samples)
    check_predictions(predicted, arrays, 'coco/out', ours)


def test_the_authors_send_every_dataset_through_the_first_head(six, golden, ours):
    """There the dataset selects only the expert; here the test calls the first head directly."""
    arrays, meta = golden('C_moe_test.npz')
    model = ours.load(*six())
    first = model.head.names[0]
    images, index = (torch.from_numpy(arrays[f'mixed/{part}']) for part in ('img', 'dataset_idx'))
    boxes = zip(arrays['mixed/center'], arrays['mixed/scale'], strict=True)
    samples = [ours.boxed(meta, center, scale) for center, scale in boxes]
    settings = {**model.test_cfg, **model.head.dataset_test_cfg[first]}
    with torch.no_grad():
        views = [model.extract_feat(view, index) for view in (images, images.flip(-1))]
        found = model.head.heads[first].predict(views, samples, settings)
    predicted = model.add_pred_to_datasample(*found, samples)
    check_predictions(predicted, arrays, 'mixed/out', ours)


@pytest.mark.parametrize('file', SPLIT)
def test_split(file, six, golden, ours):
    """The weights are bit-equal; the outputs are those of the authors and of the complete model."""
    arrays, meta = golden(file)
    cfg, state_of_six = six()
    name = ours.names_of(dict(dataset_names=[meta['dataset']]))[0]
    state, plain_cfg = split(state_of_six, cfg, name)
    expected = ours.state_of(plain_cfg, arrays)
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value), key

    model = ours.load(plain_cfg, state)
    check_settings(model.head.decoder, model.test_cfg, meta['test_cfg'])
    images = torch.from_numpy(arrays['in/img'])
    boxes = list(zip(arrays['in/center'], arrays['in/scale'], strict=True))
    samples = [ours.boxed(meta, center, scale, name) for center, scale in boxes]
    several = ours.load(cfg, state_of_six)
    with torch.no_grad():
        features = model.extract_feat(images)
        index = several.head.dataset_index(samples)
        features_of_six = several.extract_feat(images, index)
        heatmaps = model.head(features)
        heatmaps_of_six = torch.stack(several.head(features_of_six, samples))
        predicted = model.predict(images, samples)
    np.testing.assert_allclose(features[0], arrays['out/backbone'], rtol=0, atol=5e-5)
    np.testing.assert_allclose(features[0], features_of_six[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(heatmaps, arrays['out/heatmap'], rtol=0, atol=5e-5)
    np.testing.assert_allclose(heatmaps, heatmaps_of_six, rtol=0, atol=1e-5)
    check_predictions(predicted, arrays, 'out', ours, heatmap='flip_heatmap')


def test_files_of_the_authors_split_tool(golden, ours):
    """The left-over keys are dropped with a reason; the other keys are a plain model."""
    _, meta = golden('C_moe_state.npz')
    files = golden('D_split_keys.json')['files']
    assert list(files) == meta['dataset_names']
    leftovers = {
        found['dataset']: set(found['leftover_keys_in_split_file'])
        for found in (golden(file)[1] for file in SPLIT)
    }
    for (name, shapes), count in zip(files.items(), meta['keypoints_per_head'], strict=True):
        plain = dict(meta, backbone=dict(meta['backbone'], type='ViT'))
        plain['keypoint_head'] = dict(meta['keypoint_head'], out_channels=count)
        model = build_on_meta(ours.config(plain).model)
        official = {key: torch.empty(shape, device='meta') for key, shape in shapes.items()}
        conversion = convert(official, model=model)
        assert conversion.source == 'official'
        check_fit(conversion.state_dict, model)
        [(reason, dropped)] = conversion.dropped.items()
        assert reason.startswith("left over by the authors' split tool")
        assert set(dropped) == leftovers.get(name, set(dropped))


def check_settings(decoder, ours, official):
    """The decoding in our included config is that of the authors' config."""
    assert ours['flip_test'] == official['flip_test']
    assert ours['shift_heatmap'] == official['shift_heatmap']
    assert isinstance(decoder, BatchedUDPHeatmap) == official.get('use_udp', False)
    if official.get('use_udp'):
        decoder.blur_kernel_size = official['modulate_kernel']


def check_predictions(samples, arrays, prefix, ours, heatmap='heatmap'):
    """Flip test: compares heatmaps, scores, boxes, and points where they are stable."""
    heatmaps, points = ours.predicted(samples)
    expected, stable = arrays[f'{prefix}/preds'], arrays[f'{prefix}/preds_stable']
    np.testing.assert_allclose(heatmaps, arrays[f'{prefix}/{heatmap}'], rtol=0, atol=5e-5)
    assert stable.any()
    np.testing.assert_allclose(points[stable][:, :2], expected[stable][:, :2], rtol=0, atol=0.2)
    np.testing.assert_allclose(points[..., 2], expected[..., 2], rtol=0, atol=5e-5)
    metric = CocoMetric()
    for sample in samples:
        sample.set_metainfo(dict(id=0, img_id=0, ori_shape=(1, 1), raw_ann_info={}))
    metric.process([], [sample.to_dict() for sample in samples])
    for sample, (found, _), box in zip(
        samples, metric.results, arrays[f'{prefix}/boxes'], strict=True
    ):
        given = [*sample.input_center, *sample.input_scale / 200]
        np.testing.assert_allclose(given, box[:4], rtol=1e-6)
        np.testing.assert_allclose(found['areas'], box[4], rtol=1e-6)
        np.testing.assert_array_equal(found['bbox_scores'], box[5])
