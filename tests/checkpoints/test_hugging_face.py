"""A random VitPose of transformers gives the same heatmaps here; the way back works, too."""

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.commands import main

transformers = pytest.importorskip('transformers', reason='a dev extra')

HW = (64, 48)
DATASETS = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']
CODEC = dict(type='BatchedUDPHeatmap', input_size=HW[::-1], heatmap_size=(12, 16), sigma=2.0)
CLASSIC = dict(deconv_out_channels=(256, 256), deconv_kernel_sizes=(4, 4))
SIMPLE = dict(
    deconv_out_channels=[], deconv_kernel_sizes=[], final_layer=dict(kernel_size=3, padding=1)
)


def transformers_model(num_experts, simple):
    """A random model of transformers; no parameter or buffer has its initial value."""
    backbone = transformers.VitPoseBackboneConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=list(HW),
        num_experts=num_experts,
        part_features=8,
        out_indices=[2],
    )
    config = transformers.VitPoseConfig(
        backbone_config=backbone, num_labels=17, use_simple_decoder=simple
    )
    model = transformers.VitPoseForPoseEstimation(config).eval()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn_like(tensor) * 0.1 + (tensor.ndim == 1) * 0.5)
    return model


def own_config(num_experts, simple):
    """The config of the same model in this package."""
    backbone = dict(
        type='ViT', arch=dict(depth=2, dim=32, num_heads=4), input_hw=HW, norm_eps=1e-12
    )
    head = dict(type='HeatmapHead', in_channels=32, **(SIMPLE if simple else CLASSIC))
    model = dict(type='TopdownPoseEstimator', backbone=backbone)
    if simple:
        model['neck'] = dict(type='FeatureMapProcessor', scale_factor=4.0, apply_relu=True)
    if num_experts == 1:
        return dict(model, head=dict(head, out_channels=17, decoder=CODEC))
    backbone['ffn'] = dict(type='PartiallySharedFFN', num_experts=num_experts)
    heads = [dict(dataset='coco', num_keypoints=17, codec=CODEC)]
    return dict(
        model,
        type='MultiDatasetTopdown',
        head=dict(type='MultiDatasetHead', head=head, heads=heads),
    )


@pytest.fixture(params=[(1, True), (1, False), (6, True), (6, False)], ids=str)
def kind(request):
    return request.param


@torch.no_grad()
def test_the_same_heatmaps(kind, tmp_path, record_property):
    model = transformers_model(*kind)
    model.save_pretrained(tmp_path)
    converted = convert(reading.read(tmp_path))
    assert converted.source == 'hf'
    assert not converted.dropped
    own = MODELS.build(own_config(*kind)).eval()
    own.load_state_dict(converted.state_dict)
    image = torch.randn(6, 3, *HW)
    index = torch.arange(6) if kind[0] > 1 else None
    expected = model(image, dataset_index=index).heatmaps
    feats = own.backbone(image, index)
    feats = own.neck(feats) if own.with_neck else feats
    head = own.head.heads['coco'] if kind[0] > 1 else own.head
    heatmaps = head(feats)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(heatmaps, expected, rtol=0, atol=1e-4)
    record_property('largest difference', (heatmaps - expected).abs().max().item())


def test_the_way_back_is_bit_equal(kind, tmp_path):
    """Of the position table only the sum with the extra row is equal."""
    state = transformers_model(*kind).state_dict()
    torch.save(state, tmp_path / 'pytorch_model.bin')
    back = convert(convert(reading.read(tmp_path)).state_dict, target='hf').state_dict
    assert set(back) == set(state)
    for name, value in state.items():
        if name.endswith('position_embeddings'):
            assert torch.equal(back[name][:, 1:] + back[name][:, :1], value[:, 1:] + value[:, :1])
        else:
            assert torch.equal(back[name], value), name


@torch.no_grad()
def test_transformers_loads_what_the_command_writes(kind, tmp_path):
    """It loads the weights and the config.json, with the eps of the layer norms."""
    own = MODELS.build(own_config(*kind))
    writing.write(tmp_path / 'own.pth', own.state_dict())
    Config(dict(model=own_config(*kind))).dump(tmp_path / 'own.py')
    out, config = str(tmp_path / 'hf'), ['--config', str(tmp_path / 'own.py')]
    main(['convert', str(tmp_path / 'own.pth'), out, '--target', 'hf', *config])
    model, report = transformers.VitPoseForPoseEstimation.from_pretrained(
        out, output_loading_info=True
    )
    assert not any(report.values()), report
    assert model.config.backbone_config.layer_norm_eps == 1e-12
    main(['convert', out, str(tmp_path / 'again.pth'), *config])
    again = reading.read(tmp_path / 'again.pth')
    assert all(torch.equal(again[name], value) for name, value in own.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize('input_hw', [HW, (128, 96)])
def test_one_of_six_datasets_is_written_as_a_plain_model(input_hw, tmp_path):
    """Also at another input: the classes of transformers do not resize position tables."""
    cfg = own_config(6, False)
    cfg['head']['heads'] = [dict(dataset=name, num_keypoints=17, codec=CODEC) for name in DATASETS]
    model = MODELS.build(cfg).eval()
    writing.write(tmp_path / 'own.pth', model.state_dict())
    plain = own_config(1, False)
    plain['backbone']['input_hw'] = input_hw
    Config(dict(model=plain)).dump(tmp_path / 'plain.py')
    config = ['--config', str(tmp_path / 'plain.py'), '--dataset', 'mpii']
    main(['convert', str(tmp_path / 'own.pth'), str(tmp_path / 'hf'), '--target', 'hf', *config])
    written = transformers.VitPoseForPoseEstimation.from_pretrained(tmp_path / 'hf').eval()
    image = torch.randn(2, 3, *input_hw)
    feats = model.backbone(image, torch.tensor([2, 2]))
    expected = model.head.heads['mpii'](feats)
    assert_same(written(image).heatmaps, expected)


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / 'hf').mkdir()
    (tmp_path / 'hf' / 'precious.txt').write_text('mine')
    Config(dict(model=own_config(1, True))).dump(tmp_path / 'own.py')
    writing.write(tmp_path / 'own.pth', MODELS.build(own_config(1, True)).state_dict())
    command = ['convert', str(tmp_path / 'own.pth'), str(tmp_path / 'hf'), '--target', 'hf']
    command += ['--config', str(tmp_path / 'own.py'), '--force']
    with pytest.raises(SystemExit):
        main(command)
    assert (tmp_path / 'hf' / 'precious.txt').read_text() == 'mine'
    (tmp_path / 'hf' / 'precious.txt').rename(tmp_path / 'precious.txt')
    main(command)
    main(command)  # replaces its own files
    assert {p.name for p in (tmp_path / 'hf').iterdir()} == {'model.safetensors', 'config.json'}


@pytest.mark.parametrize('text', ['{', '{"backbone_config": null}', '[]'])
def test_a_broken_config_json_is_reported_before_anything_is_written(text, tmp_path, capsys):
    transformers_model(1, True).save_pretrained(tmp_path / 'hf')
    (tmp_path / 'hf' / 'config.json').write_text(text)
    with pytest.raises(SystemExit):
        main(['convert', str(tmp_path / 'hf'), str(tmp_path / 'own.pth')])
    assert 'config.json is not the config.json of a VitPose' in capsys.readouterr().err
    assert not (tmp_path / 'own.pth').exists()


def test_a_missing_query_key_or_value_is_refused():
    state = transformers_model(1, True).state_dict()
    for part in ('query', 'key', 'value'):
        name = f'backbone.encoder.layer.1.attention.attention.{part}.weight'
        with pytest.raises(ValueError, match=f'nothing for .*layers.1.attention.{part}.weight'):
            convert({key: value for key, value in state.items() if key != name})
