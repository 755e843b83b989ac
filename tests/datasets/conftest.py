"""Synthetic figures in COCO's form, and the AP of fixed predictions with an annotation file."""

import contextlib
import io
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, METRICS

from vitpose_plus.datasets.checking import Needs, check_dataset
from vitpose_plus.datasets.multi_dataset import load_annotations

NAME = 'coco/annotations/person_keypoints_val2017.json'
NEEDS = Needs(coco_metric=True, area=True)


class Scored(SimpleNamespace):
    """The ``root`` of a dataset, the ``content`` of its file, ``poses`` by box, their ``score``."""

    def __repr__(self):
        return str(self.root)


@pytest.fixture(scope='module')
def scored(figures, tmp_path_factory):
    """The figures, and for each box a pose near the true one: the score is between 0 and 1."""
    root = tmp_path_factory.mktemp('mutated')
    shutil.copytree(figures / 'coco', root / 'coco')
    shutil.rmtree(root / 'coco/train2017')  # the tests write one file for both splits
    shutil.copytree(root / 'coco/val2017', root / 'coco/train2017')
    content = json.loads((root / NAME).read_text())
    poses = {}
    for number, one in enumerate(content['annotations']):
        points = np.reshape(one['keypoints'], (1, -1, 3))[..., :2]
        points = points + np.array([3 * (number % 4), 2 * (number % 3)])
        # No two scores are equal: COCO's tools sort equal scores by id.
        poses[tuple(one['bbox'])] = points, 0.9**number
    scored = Scored(root=root, content=content, poses=poses)
    scored.score = score(scored, content)
    assert 0.3 < scored.score < 0.97
    return scored


def score(scored, content):
    """The AP of the poses with a file of this content; a ``UserError`` if the file is wrong."""
    path = scored.root / NAME
    path.write_text(json.dumps(content))
    init_default_scope('mmpose')
    cfg = dict(type='CocoDataset', ann_file=str(path), test_mode=True, lazy_init=True)
    cfg.update(data_prefix=dict(img=str(scored.root / 'coco/val2017')), pipeline=[])
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = DATASETS.build(cfg)
        check_dataset(dataset, NEEDS)
        load_annotations('coco', dataset)
        metric = METRICS.build(dict(type='CocoMetric', ann_file=str(path), nms_mode='none'))
        metric.dataset_meta = dataset.metainfo
        metric.process(
            {}, [predicted(dataset.get_data_info(i), scored) for i in range(len(dataset))]
        )
        return metric.compute_metrics(metric.results)['AP']


def predicted(info, scored):
    """The pose for the box; a pose at the picture's corner if the box is unknown."""
    nothing = np.zeros((1, 17, 2)), 0.01
    pose, certainty = scored.poses.get(tuple(info['raw_ann_info']['bbox']), nothing)
    return dict(
        id=info['id'],
        img_id=info['img_id'],
        category_id=int(info['category_id']),
        pred_instances=dict(keypoints=pose, keypoint_scores=np.ones((1, 17))),
        gt_instances=dict(bbox_scores=np.full(1, certainty), bbox_scales=np.ones((1, 2))),
    )
