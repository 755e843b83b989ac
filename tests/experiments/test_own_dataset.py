"""The config of a folder of new-dataset: what comes from the size, the entry and the arguments."""

import numpy as np
import pytest
from mmpose.datasets.transforms import GetBBoxCenterScale

from vitpose_plus.datasets.transforms import RandomWholePicture
from vitpose_plus.errors import UserError
from vitpose_plus.experiments import own_dataset_config
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.experiments.own_dataset import PARENTS
from vitpose_plus.models.building import build_on_meta

DATA = dict(type='BaseCocoStyleDataset', data_root='/data', ann_file='a.json')
ENTRY = dict(num_keypoints=3, crop='udp_exact', train=DATA, val=DATA, metric=dict(type='EPE'))
SIZES = dict(input_hw=(128, 96), batch_size=4, epochs=50, lr=1e-3, warm_up=10, workers=2)


def config(arch='tiny', entry=(), **changes):
    return own_dataset_config({'fly': ENTRY | dict(entry)}, 'fly', arch=arch, **SIZES | changes)


@pytest.mark.parametrize('arch', [name for name in PARENTS if name != 'tiny'])
def test_a_size_has_the_settings_of_its_included_config(arch):
    cfg, parent = config(arch), load_config(f'vitpose-{arch}_coco-256x192', False)
    assert cfg['model']['backbone'] == dict(parent.model.backbone, input_hw=(128, 96))
    assert cfg['optim_wrapper']['paramwise_cfg'] == parent.optim_wrapper.paramwise_cfg
    assert cfg['model']['head']['out_channels'] == 3
    build_on_meta(cfg['model'])


def test_the_schedule_is_that_of_the_arguments():
    cfg = config(layer_decay=0.6, train_dataloader=dict(pin_memory=True))
    assert cfg['train_cfg']['max_epochs'] == 50
    assert cfg['train_cfg']['val_interval'] == 2
    warm_up, cosine = cfg['param_scheduler']
    assert (warm_up['end'], cosine['T_max']) == (10, 50)
    assert cfg['optim_wrapper']['optimizer']['lr'] == 1e-3
    assert cfg['optim_wrapper']['optimizer']['type'] == 'AdamW'
    assert cfg['optim_wrapper']['paramwise_cfg']['layer_decay_rate'] == 0.6
    loader = cfg['train_dataloader']
    assert (loader['batch_size'], loader['num_workers'], loader['pin_memory']) == (4, 2, True)
    assert config(workers=0)['train_dataloader']['persistent_workers'] is False


def test_an_entry_without_flips_is_not_mirrored_in_tests():
    assert config()['model']['test_cfg']['flip_test']
    without = config(entry=dict(augmentation=dict(RandomFlip=None)))
    assert not without['model']['test_cfg']['flip_test']


def test_an_unknown_size_is_one_sentence():
    with pytest.raises(UserError, match="arch='medium' is not known: give tiny, small, base"):
        config('medium')


def test_a_whole_picture_in_training_is_the_one_in_prediction():
    padding = 1.1
    whole = dict(bbox=np.array([[0.0, 0, 640, 480]], np.float32), img_shape=(480, 640))
    expected = GetBBoxCenterScale(padding=padding).transform(dict(whole))
    part = GetBBoxCenterScale(padding=padding).transform(
        dict(bbox=np.array([[10.0, 20, 50, 90]], np.float32), img_shape=(480, 640))
    )
    changed = RandomWholePicture(probability=1.0).transform(dict(part))
    for key in ('bbox_center', 'bbox_scale'):
        np.testing.assert_allclose(changed[key], expected[key])
    assert RandomWholePicture(probability=0.0).transform(dict(part)) == part


def test_half_of_the_samples_are_whole_pictures():
    np.random.seed(0)
    transform = RandomWholePicture()
    given = dict(bbox_center=np.ones((1, 2)), bbox_scale=np.ones((1, 2)), img_shape=(480, 640))
    given['bbox'] = np.array([[0.5, 0.5, 1.5, 1.5]])
    whole = [transform.transform(dict(given))['bbox_scale'].max() > 1 for _ in range(2000)]
    assert np.mean(whole) == pytest.approx(0.5, abs=0.04)


def test_a_renamed_entry_is_one_sentence():
    with pytest.raises(UserError, match="no entry of the dataset 'bee' in the config"):
        own_dataset_config({'fly': ENTRY}, 'bee', arch='tiny', **SIZES)


def test_the_learning_rate_is_that_of_the_batch():
    assert config()['auto_scale_lr'] == dict(base_batch_size=4)
