"""Files of the trained tiny ViTPose+ predict and test as the model itself."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.exported import write
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.export.describing import Options
from vitpose_plus.inference.models import load
from vitpose_plus.inference.predictor import PosePredictor

pytestmark = pytest.mark.minutes
LOADER = ('test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Keypoints with the flip test inside, in all formats; and heatmaps in one."""
    folder, model = tmp_path_factory.mktemp('exported'), load(TINY, str(FILE))
    keypoints = write(model, folder, 'keypoints', options=Options(flip_test=True))
    heatmaps = write(model, folder, 'heatmaps', ['.pt2'], Options('heatmaps'))
    return [*keypoints.values(), *heatmaps.values()]


def predicted(photos, annotations, dataset, name, checkpoint=None):
    predictor = PosePredictor(name, checkpoint, device='cpu', flip_test=True)
    results = predictor(photos, boxes=annotations, dataset=dataset)
    return np.concatenate([result.keypoints for result in results])


@pytest.mark.parametrize('dataset', ['coco', 'mpii'])
def test_keypoints_equal_those_of_the_model(dataset, files, people):
    expected = predicted(*people, dataset, TINY, FILE)
    for path in files:
        found = predicted(*people, dataset, path)
        np.testing.assert_allclose(found, expected, atol=1e-3, err_msg=path.name)


def metrics_of(file):
    """All metrics of the command ``test``."""
    main(['test', TINY, str(file), '--out', 'metrics.json', '--cfg-options', *LOADER])
    metrics = json.loads(Path('metrics.json').read_text())
    return {key: value for key, value in metrics.items() if 'time' not in key}


def test_metrics_equal_those_of_the_model(files, workplace):
    expected = metrics_of(FILE)
    assert len(expected) > 50
    for path in files:
        assert metrics_of(path) == pytest.approx(expected, abs=1e-3), path.name
