"""Compares ten steps of a small ViTPose+ in double precision with stored numbers.

From an included config: the model with its preprocessor, drop path and batch norms; both codecs;
the loss; layer-wise decay, AdamW and clipping; both schedules. Replaced: sizes; the schedules'
numbers, so that ten steps use all parts of the schedules; pictures and initial weights, by NumPy's
random numbers, which are the same on every machine; mmengine's loop. Not tested: initialisation,
augmentation, crops. The preprocessor converts pixels to float32, which is exact, and its mean makes
them float64. Targets are rounded to float32 as in every training. All other numbers are float64.
With the kernels of other processors the numbers differed by 7e-14 (torch's and MKL's kernels) and
2e-8 (NumPy's kernels, which compute the targets).

After an intended change, ``python -m tests.engine.test_pinned_training`` writes the new numbers.
"""

import json
import zlib

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmpose.registry import MODELS, TRANSFORMS

import vitpose_plus  # noqa: F401  the compatibility shims come first
from tests.helpers.demo import ROOT
from vitpose_plus.experiments.catalogue import find_config

FILE = ROOT / 'tests' / 'data' / 'pinned_training.json'
CONFIG = 'vitpose-plus-base_six-datasets-256x192'
STEPS, EPOCH, BATCH = 10, 2, 4


def small_config():
    """The first two datasets: COCO with UDP's targets and AIC with plain targets."""
    cfg = Config.fromfile(find_config(CONFIG), format_python_code=False)
    h, w = cfg.model.backbone.input_hw = (64, 48)
    cfg.model.backbone.arch = dict(depth=3, dim=16, num_heads=2)
    cfg.model.backbone.ffn.num_experts = 2
    cfg.model.head.head.update(in_channels=16, deconv_out_channels=(8, 8))
    cfg.model.head.heads = cfg.model.head.heads[:2]
    for entry in cfg.model.head.heads:
        entry.codec.update(input_size=(w, h), heatmap_size=(w // 4, h // 4))
    cfg.optim_wrapper.optimizer.lr = 5e-3  # so large that weight decay has an effect
    cfg.optim_wrapper.paramwise_cfg.num_layers = 3
    cfg.optim_wrapper.clip_grad.max_norm = 0.3  # some steps are clipped, others are not
    warmup, steps = cfg.param_scheduler
    warmup.end, steps.milestones = 4, [3, 4]  # iterations, epochs
    return cfg


def fill(model):
    """Fills parameters with random numbers, seeded by their names and not by their order."""
    for name, parameter in model.named_parameters():
        random = np.random.RandomState(zlib.crc32(name.encode()))
        of_norm = parameter.ndim == 1 and name.endswith('weight')
        reach = 0.1 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
        values = of_norm + random.uniform(-reach, reach, parameter.shape)
        parameter.data.copy_(torch.from_numpy(values))


def batch(cfg, step, random):
    """Batches have one dataset or both, in turn: steps also change a missing one's parameters."""
    samples = []
    for place in range(BATCH):
        head = cfg.model.head.heads[(step + place) // BATCH % 2]
        w, h = head.codec.input_size
        k = head.num_keypoints
        sample = dict(
            img=random.randint(256, size=(h, w, 3)).astype(np.uint8),
            keypoints=random.uniform(-8, h, (1, k, 2)),  # some of them beyond the crop
            keypoints_visible=random.randint(2, size=(1, k)).astype(np.float32),
            dataset_name=head.dataset,
        )
        target = dict(type='GenerateTarget', encoder=head.codec)
        for transform in target, dict(type='PackPoseInputs'):
            sample = TRANSFORMS.build(transform)(sample)
        samples.append(sample)
    return {key: [sample[key] for sample in samples] for key in ('inputs', 'data_samples')}


def train(cfg):
    """Returns the numbers of every step, then the norm of each tensor and of each expert."""
    model = MODELS.build(cfg.model).double().train()
    fill(model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = {group['group_name']: group for group in wrapper.optimizer.param_groups}
    parts = dict(optimizer=wrapper, epoch_length=EPOCH)
    schedules = [PARAM_SCHEDULERS.build(s, default_args=parts) for s in cfg.param_scheduler]
    random = np.random.RandomState(0)
    torch.manual_seed(0)  # for drop path
    found = {key: [] for key in ('loss', 'gradient norm', 'first rate', 'last rate')}
    for step in range(STEPS):
        found['first rate'].append(groups[min(groups)]['lr'])
        found['last rate'].append(groups[max(groups)]['lr'])
        loss = model.train_step(batch(cfg, step, random), wrapper)['loss']
        found['loss'].append(loss.item())
        found['gradient norm'].append(wrapper.message_hub.get_scalar('train/grad_norm').current())
        for schedule in schedules:
            if not schedule.by_epoch or (step + 1) % EPOCH == 0:
                schedule.step()
    for name, values in model.state_dict().items():
        if values.is_floating_point():
            rows = values.flatten(1) if 'experts' in name else values.flatten()
            found[name] = rows.norm(dim=-1).tolist()
    return found


def test_training_gives_the_stored_numbers():
    found, pinned = train(small_config()), json.loads(FILE.read_text())
    assert set(found) == set(pinned)
    for name, expected in pinned.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=0, err_msg=name)


if __name__ == '__main__':
    init_default_scope('mmpose')
    lines = (f'  {json.dumps(name)}: {json.dumps(v)}' for name, v in train(small_config()).items())
    FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')
