"""The maintained forks of OneDL in place of mmengine, mmcv and mmdet."""

import json

import pytest
import torch

from tests.helpers.demo import TINY, TWO_ITERATIONS
from tests.helpers.processes import environment, run

REPLACED = ('mmengine', 'mmcv-lite', 'mmdet', 'openmim')
CHECK = """
import json, os, sys
import vitpose_plus
import mmpose.models
import torch
from mmengine.runner import checkpoint
from mmengine.utils.dl_utils import mmcv_full_available
from importlib.metadata import distributions

class Payload:
    def __reduce__(self):
        return os.mkdir, ('victim',)

torch.save(Payload(), 'payload.pth')
try:
    checkpoint.load_checkpoint(torch.nn.Linear(1, 1), 'payload.pth')
except Exception as error:
    refused = type(error).__name__
print(json.dumps(dict(
    refused=refused,
    victim=os.path.exists('victim'),
    replacement='mmcv._ext' in sys.modules,
    compiled=mmcv_full_available(),
    packages=[d.name for d in distributions()],
)))
"""


@pytest.mark.network
def test_the_forks_train_and_refuse_a_checkpoint_that_runs_code(
    new_environment, constraints, workplace
):
    kept = [line for line in constraints if line.split('==')[0] not in REPLACED]
    python = new_environment('onedl', kept) / 'python'
    here = dict(env=environment(PYTHONPATH='', CUDA_VISIBLE_DEVICES=''))

    found = json.loads(run(python, '-W', 'ignore', '-c', CHECK, **here).splitlines()[-1])
    assert not set(REPLACED) & set(found['packages'])
    assert {'onedl-mmcv', 'onedl-mmdetection', 'onedl-mmengine'} <= set(found['packages'])
    assert found['refused'] == 'UserError'
    assert not found['victim']
    assert not found['replacement']
    assert not found['compiled']  # the index has only the uncompiled package

    train = ['-m', 'vitpose_plus', 'train', TINY, '--work-dir', 'out', '--no-validate']
    run(python, *train, '--cfg-options', *TWO_ITERATIONS, **here)
    assert torch.load('out/epoch_1.pth')['meta']['iter'] == 2
