"""The released files give the keypoints that transformers' conversion script prints.

The folder ``VITPOSE_WEIGHTS`` must contain the authors' original files (docs/weights.md) and COCO's
picture 000000000139.jpg; otherwise the tests are skipped. The numbers are those that the script
prints for the second box of that picture: x, y and score of the nose, mean of both views.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS

from vitpose_plus.checkpoints import reading
from vitpose_plus.commands import main
from vitpose_plus.experiments.catalogue import find_config

pytestmark = pytest.mark.slow

PICTURE = '000000000139.jpg'
BOX_XYWH = 384.43, 172.21, 15.12, 35.74
NOSES = {
    ('vitpose-b-simple.pth', 'vitpose-base-simple_coco-256x192'): (398.1805, 181.8084, 0.8666),
    ('vitpose-b.pth', 'vitpose-base_coco-256x192'): (398.0791, 181.8281, 0.8824),
    ('vitpose_base_coco_aic_mpii.pth', 'vitpose-base_coco-256x192'): (398.3055, 181.7416, 0.8700),
    ('vitpose+_small.pth', 'vitpose-plus-small_six-datasets-256x192'): (398.1597, 181.6902, 0.9051),
    ('vitpose+_base.pth', 'vitpose-plus-base_six-datasets-256x192'): (398.2013, 181.7283, 0.8750),
    ('vitpose+_large.pth', 'vitpose-plus-large_six-datasets-256x192'): (398.1409, 181.7412, 0.8746),
}


@pytest.mark.parametrize(('file', 'config'), NOSES, ids=lambda value: value)
def test_the_nose_that_transformers_prints(file, config, tmp_path):
    folder = os.environ.get('VITPOSE_WEIGHTS')
    if not folder or not (Path(folder) / file).is_file():
        pytest.skip(f'VITPOSE_WEIGHTS names no folder with {file}')
    keep = ['--dataset', 'coco'] if 'aic' in file else []
    own = str(tmp_path / 'own.pth')
    main(['convert', str(Path(folder) / file), own, '--config', config, *keep])
    cfg = Config.fromfile(find_config(config))
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(reading.read(own))
    dataset = cfg.test_dataloader.dataset
    dataset = dataset.get('datasets', [dataset])[0]
    x, y, w, h = BOX_XYWH
    sample = dict(
        img_path=str(Path(folder) / PICTURE),
        bbox=np.array([[x, y, x + w, y + h]], dtype=np.float32),
        bbox_score=np.ones(1, dtype=np.float32),
        **parse_pose_metainfo(dict(from_file='configs/_base_/datasets/coco.py')),
    )
    batch = pseudo_collate([Compose(dataset.pipeline)(sample)])
    with torch.no_grad():
        [result] = model.test_step(batch)
    found = result.pred_instances
    nose = *found.keypoints[0, 0], found.keypoint_scores[0, 0]
    assert nose == pytest.approx(NOSES[file, config], abs=0.05)
