"""All ways of a group do the same work: their results are equal up to rounding."""

import json
import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from tests.helpers.comparing import assert_same
from tests.helpers.demo import TINY
from tests.helpers.export_models import PLAIN, random_model
from vitpose_plus.benchmarking import decoding
from vitpose_plus.benchmarking.ceilings import forward_flops, training_flops
from vitpose_plus.benchmarking.decoding import KEYPOINT_COUNTS, codec_of, gaussians
from vitpose_plus.benchmarking.dense import DenseExperts, with_dense_experts
from vitpose_plus.benchmarking.engines import ENGINES
from vitpose_plus.benchmarking.hugging_face import HuggingFaceExperts, HuggingFacePlain, heatmaps_of
from vitpose_plus.benchmarking.mmpose_ways import inference_topdown, original_model
from vitpose_plus.benchmarking.pictures import BOXES, write_pictures
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.predicting import FolderPrediction
from vitpose_plus.benchmarking.subjects import Subject
from vitpose_plus.benchmarking.training import (
    backbone_inputs,
    load_on_one_thread,
    loader_of,
    share_ffns,
    steps,
    trainable,
)
from vitpose_plus.evaluation.complexity import multiply_adds
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.inference.results import Result
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.ffn import ExpertLinear

CPU = torch.device('cpu')
WIDE = dict(deconv_out_channels=(256, 256))  # the only width of transformers


def subject_of(folder, name=TINY, **changes):
    model = random_model(folder, name, **changes)
    names = list(model.skeletons)
    files = str(folder / 'config.py'), str(folder / 'random.pth')
    return Subject(model, *files, CPU, (names[0],), is_random=True)


def plan_of(subject, folder):
    return Plan(subject, 4, ('fp32',), CPU, rounds=1, pictures=2, folder=folder)


@pytest.fixture(scope='module')
def subject(tmp_path_factory):
    """A model with experts, which no test changes."""
    return subject_of(tmp_path_factory.mktemp('subject'), head=WIDE)


def expected(subject, crops):
    """The heatmaps of the first dataset, computed by the network itself."""
    index = torch.zeros(len(crops), dtype=torch.int64)
    feats = subject.network.extract_feat(crops, index)
    return subject.head(subject.dataset)(feats)


@torch.no_grad()
@pytest.mark.parametrize('kind', [HuggingFacePlain, HuggingFaceExperts])
def test_hugging_face_gives_the_same_heatmaps(kind, subject):
    pytest.importorskip('transformers', reason='a dev extra')
    model = kind().model(subject)
    assert model.backbone.config._attn_implementation == 'sdpa'
    assert (model.backbone.config.num_experts > 1) == (kind is HuggingFaceExperts)
    crops = subject.crops(3)
    found = heatmaps_of(model, crops, kind().index(subject, 3))
    assert_same(found.clone(), expected(subject, crops), roundings=128)


@torch.no_grad()
def test_every_engine_that_is_measured_gives_the_same_heatmaps(subject, tmp_path):
    crops = subject.crops(4)
    plan = plan_of(subject, tmp_path)
    ways = list(ENGINES['torch']().forward(plan, 'fp32'))
    alone, decoded, mixed = ways
    target = expected(subject, crops)
    assert_same(alone.run().clone(), target, roundings=128)
    points, _ = decoded.run()
    theirs, _ = subject.head(subject.dataset).decoder.batch_decode(target)
    assert np.abs(np.array(points) - np.array(theirs)).max() < 0.1
    assert_same(mixed.run()[0, :17].clone(), target[0], roundings=128)  # the first has its dataset


@torch.no_grad()
@pytest.mark.minutes
@pytest.mark.parametrize('engine', ['onnx', 'openvino'])
def test_exported_files_give_the_same_heatmaps(engine, subject, tmp_path):
    """``vitpose export`` compares every file; this test compares what is measured."""
    if missing := ENGINES[engine].missing():
        pytest.skip(f'{missing[0]} is not installed')
    [way] = ENGINES[engine]().forward(plan_of(subject, tmp_path), 'fp32')
    target = expected(subject, subject.crops(4))
    [found] = way.run()
    torch.testing.assert_close(found, target, rtol=0, atol=1e-3 * target.abs().max().item())


def test_dense_experts_give_the_same_outputs_and_gradients():
    experts = ExpertLinear(3, 8, 4)
    dense = DenseExperts(experts)
    index = torch.tensor([2, 0, 2, 0])
    x = torch.randn(4, 5, 8)
    found = []
    for layer in (experts, dense):
        out = layer(x, index)
        experts.zero_grad()
        out.square().sum().backward()
        found.append((out, experts.weight.grad.clone(), experts.bias.grad.clone()))
    assert_same(*found)


def test_all_experts_of_a_network_are_replaced(subject):
    network = trainable(subject)
    assert with_dense_experts(network)
    kinds = [type(layer.ffn.experts) for layer in network.backbone.layers]
    assert set(kinds) == {DenseExperts}
    assert not with_dense_experts(trainable(subject, share_ffns))


def test_a_training_step_changes_the_weights(subject, tmp_path):
    plan = plan_of(subject, tmp_path)
    plan.precisions = ('fp32', 'bf16')
    network = trainable(subject)
    weight = network.backbone.layers[0].ffn.fc1.weight
    ways = list(steps(plan, 'experts', network))
    assert [way.precision for way in ways] == ['fp32', 'fp32', 'bf16', 'bf16']
    for step, backbone in zip(ways[::2], ways[1::2], strict=True):
        before = weight.detach().clone()
        backbone.run()
        assert torch.equal(weight, before)
        assert np.isfinite(step.run()['loss'].item())
        assert not torch.equal(weight, before)


def test_the_step_of_the_backbone_has_the_gradients_of_the_backbone(subject, tmp_path):
    """Checked before they are removed, against the backbone as it is called in a training."""
    plan, network = plan_of(subject, tmp_path), trainable(subject)
    *_, way = steps(plan, 'experts', network)
    crops, index = backbone_inputs(subject, plan.batch)
    network.backbone(crops, index)[0].square().mean().backward()
    target = {name: p.grad.clone() for name, p in network.backbone.named_parameters()}
    network.zero_grad()
    found = {}
    for name, parameter in network.backbone.named_parameters():
        parameter.register_hook(lambda grad, name=name: found.update({name: grad.clone()}))
    way.run()
    assert_same(list(found.values()), [target[name] for name in found])
    assert found.keys() == target.keys()
    assert all(p.grad is None for p in network.parameters())


def test_the_loader_uses_one_thread():
    def threads():
        return torch.get_num_threads(), cv2.getNumThreads()

    before = threads()
    assert load_on_one_thread(threads() for _ in range(1)) == (1, 1)
    assert threads() == before


def test_the_loader_has_full_batches_of_little_data(workplace):
    cfg = load_config(TINY, format_python_code=False)
    one_process = dict(num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(dict(cfg.train_dataloader, **one_process))
    size = len(loader.dataset) + 1
    assert len(next(loader_of(cfg, size))['inputs']) == size


def test_operations_are_those_of_backbone_and_head(tmp_path):
    subject = subject_of(tmp_path, PLAIN)
    model = build_on_meta(subject.network.cfg.model)
    height, width = subject.input_hw
    found = forward_flops(model, (height, width))
    deconvs, final = model.head.deconv_layers[::3], model.head.final_layer
    per_token = [
        16 * layer.in_channels * layer.out_channels * 4**i for i, layer in enumerate(deconvs)
    ]
    per_token.append(4 ** len(deconvs) * final.in_channels * final.out_channels)
    by_hand = math.prod(model.backbone.pos_embed.shape[1:3]) * sum(per_token)
    assert found == 2 * (multiply_adds(model.backbone, (height, width)) + by_hand)
    # The backward pass computes two products for each of the forward pass, but not that of the
    # gradient of the pixels.
    assert 2.7 < training_flops(model, (height, width)) / found <= 3


@pytest.mark.parametrize('keypoints', KEYPOINT_COUNTS)
def test_both_decodings_that_are_measured_give_the_same_keypoints(keypoints, monkeypatch):
    monkeypatch.setattr(decoding, 'BATCH', 8)
    heatmaps = gaussians(keypoints, CPU)
    ours, _ = codec_of('BatchedUDPHeatmap').batch_decode(heatmaps)
    codec = codec_of('UDPHeatmap')
    theirs = [codec.decode(each.numpy())[0][0] for each in heatmaps]
    difference = np.abs(np.concatenate(ours) - np.stack(theirs))
    assert np.median(difference) < 1e-3


def test_pictures_have_three_boxes_inside(tmp_path):
    pictures = write_pictures(tmp_path, 3)
    assert pictures.people == 3 * BOXES == 9
    for path, boxes in pictures.boxes.items():
        assert cv2.imread(str(path)).shape == (480, 640, 3)
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= (640, 480)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_predict_and_inference_topdown_find_the_same_keypoints(subject, tmp_path):
    """The weights are random, so a few peaks have equal rivals, and only most points are equal."""
    plan = plan_of(subject, tmp_path)
    FolderPrediction(plan, precision='fp32')()
    [file] = tmp_path.glob('predictions-*/predictions.ndjson')
    skeletons = subject.model.skeletons
    results = [Result.from_dict(json.loads(line), skeletons) for line in file.open()]
    model = original_model(subject)
    for result, (path, boxes) in zip(results, plan.written_pictures.boxes.items(), strict=True):
        samples = inference_topdown(model, str(path), boxes)
        theirs = np.stack([sample.pred_instances.keypoints[0] for sample in samples])
        distances = np.linalg.norm(result.of(subject.dataset).keypoints - theirs, axis=-1)
        assert len(distances) == BOXES
        assert np.median(distances) < 0.05
