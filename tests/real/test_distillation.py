"""Real pictures: a teacher overfits the COCO samples, and then its student does.

This is as in test_six_datasets.py, with the three commands of docs/distillation.md. It takes about
ten minutes on one core.
"""

from pathlib import Path

import pytest
from mmengine import load
from mmengine.config import Config

from vitpose_plus.commands import demo, main
from vitpose_plus.evaluation import decoding_ceiling, headlines
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.experiments.topdown import multi_dataset

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

ITERS = dict(teacher=400, token=20, distill=800)
# Flips, and random shifts by up to one pixel of the heatmap, as in test_six_datasets.py.
AUGMENTATION = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(
        type='RandomBBoxTransform',
        shift_factor=0.015,
        shift_prob=1.0,
        scale_factor=(0.99, 1.01),
        rotate_prob=0.0,
    ),
]


def config(stage, root):
    """Writes the config of a stage, on the sample pictures, into the file ``STAGE.py``."""
    name = f'vitpose-tiny-{stage}_figures-128x96'
    cfg = Config.fromfile(find_config(name), format_python_code=False)
    for split in ('train', 'val', 'test'):
        loader, name = cfg[f'{split}_dataloader'], 'train' if split == 'train' else 'val'
        loader.dataset.data_root = str(root / 'coco')
        loader.dataset.ann_file = f'annotations/person_keypoints_{name}2017.json'
        loader.dataset.data_prefix = dict(img=f'{name}2017/')
        loader.dataset.pop('bbox_file', None)  # the true boxes
    steps = cfg.train_dataloader.dataset.pipeline
    steps = [step for step in steps if not step.type.startswith('Random')]
    cfg.train_dataloader.dataset.pipeline = [*steps[:2], *AUGMENTATION, *steps[2:]]
    cfg.train_dataloader.update(batch_size=16, sampler=dict(type='InfiniteSampler'))
    cfg.param_scheduler = [
        dict(type='LinearLR', end=ITERS[stage] // 20, start_factor=0.01, by_epoch=False),
        dict(type='CosineAnnealingLR', T_max=ITERS[stage], by_epoch=False),
    ]
    cfg.optim_wrapper.optimizer.lr = 3e-3
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=ITERS[stage], val_interval=10**6)
    cfg.log_processor.by_epoch = False
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=ITERS[stage])
    cfg.randomness = dict(seed=0)
    trained = f'teacher/iter_{ITERS["teacher"]}.pth'
    if cfg.load_from:
        cfg.load_from = trained
    if 'teacher' in cfg.model:
        cfg.model.teacher.update(config='teacher.py', checkpoint=trained)
        cfg.model.token.file = 'token/token.pth'
    cfg.dump(f'{stage}.py')


def ceiling_of(root):
    """Returns the score of the encoded and decoded ground truth in these crops."""
    cfg = Config.fromfile(find_config('vitpose-plus-base_six-datasets-256x192'))
    small = dict(input_hw=(128, 96), sigma=1.5, data_root=str(root))
    model, _, _, loader, _, evaluator = multi_dataset(dict(coco=cfg.coco), cfg.crops, [], **small)
    cfg.model.head.heads = model['head']['heads']
    cfg.test_dataloader.update(loader, num_workers=0, persistent_workers=False)
    cfg.test_evaluator = evaluator
    return headlines(decoding_ceiling(cfg))['coco']


def test_a_student_learns_the_samples_that_its_teacher_overfits(sample_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = {}
    for stage, iters in ITERS.items():
        config(stage, sample_data)
        with demo.quiet():
            main(['train', f'{stage}.py', '--work-dir', stage, '--no-validate'])
            main(['test', f'{stage}.py', f'{stage}/iter_{iters}.pth', '--out', f'{stage}.json'])
        scores[stage] = headlines(load(f'{stage}.json'))['coco']
    with demo.quiet():
        ceiling = ceiling_of(sample_data)
    print(scores, f'ceiling {ceiling:.3f}')
    assert Path('token/token.pth').exists()
    for stage in ('teacher', 'distill'):
        assert scores[stage] >= 0.95 * ceiling, f'{stage}: {scores[stage]:.3f} of {ceiling:.3f}'
