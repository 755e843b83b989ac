"""A config gets its sections by one call: those of the tuples, with changes merged into them."""

from copy import deepcopy
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict

from vitpose_plus import experiments
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.experiments.configs import SECTIONS, merged

JOINT = 'vitpose-base_coco-aic-mpii-256x192'
FOR_INFERENCERS = ('data_mode', 'dataset_type')
SIZE = dict(input_hw=(128, 96), data_root='elsewhere')


@pytest.fixture(scope='module')
def base():
    """``_base_`` as in a child of a joint config and of a bottom-up config."""
    joint, bottom_up = (
        Config.fromfile(find_config(name), format_python_code=False).to_dict()
        for name in (JOINT, 'vitpose-bottomup-base_coco-512x512')
    )
    return ConfigDict(joint, affine=bottom_up['affine'])


def tuples(base):
    """Yields the result of each function that returns a tuple, and that of its ``_config``."""
    crops, augmentation = base.crops, base.augmentation
    names, entries = ['aic', 'coco'], dict(aic=base.aic, coco=base.coco)
    yield (
        experiments.single_dataset('aic', base.aic, crops, augmentation, sigma=1.5, **SIZE),
        experiments.single_dataset_config(base, 'aic', sigma=1.5, **SIZE),
    )
    yield (
        experiments.single_dataset('aic', base.mpii, base.crops, [], **SIZE),
        experiments.single_dataset_config(base, 'aic', entry=base.mpii, augmentation=[], **SIZE),
    )
    for name in ('multi_task', 'multi_dataset'):
        derive, derive_config = (getattr(experiments, f'{name}{end}') for end in ('', '_config'))
        expected = derive(entries, crops, augmentation, sigma=1.5, **SIZE)
        for given in (names, entries):
            sections = derive_config(base, given, sigma=1.5, **SIZE)
            assert list(sections.pop('datasets')) == [*names, '_delete_']
            yield expected, sections
    yield (
        experiments.bottom_up('coco', base.coco, base.affine, max_people=9, **SIZE),
        experiments.bottom_up_config(base, 'coco', max_people=9, **SIZE),
    )
    yield (
        experiments.person_crops(entries, **SIZE),
        experiments.person_crops_config(base, names, **SIZE),
    )
    yield (
        experiments.whole_pictures(entries, **SIZE),
        experiments.whole_pictures_config(base, names, **SIZE),
    )


def test_a_mapping_has_the_sections_of_the_tuple(base):
    for expected, sections in tuples(base):
        sections = {key: value for key, value in sections.items() if key not in FOR_INFERENCERS}
        assert list(sections) == list(SECTIONS[: len(expected)])
        assert tuple(sections.values()) == expected


OLD = """
_base_ = {parents!r}
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('aic', _base_.aic, _base_.crops, [], input_hw=(128, 96))
)
model['head'].update(deconv_out_channels=(32,), deconv_kernel_sizes=(4,))
train_dataloader.update(batch_size=4)
"""
NEW = """
_base_ = {parents!r}
from vitpose_plus.experiments import single_dataset_config

head = dict(deconv_out_channels=(32,), deconv_kernel_sizes=(4,))
globals().update(
    single_dataset_config(
        _base_,
        'aic',
        augmentation=[],
        input_hw=(128, 96),
        model=dict(head=head),
        train_dataloader=dict(batch_size=4),
    )
)
del head
"""


def test_configs_of_earlier_versions_give_the_same(tmp_path):
    plain = Path(find_config('vitpose-base_coco-256x192'))
    parents = [str(plain), str(plain.parents[1] / 'datasets' / 'aic.py')]
    loaded = []
    for name, text in dict(old=OLD, new=NEW).items():
        (tmp_path / f'{name}.py').write_text(text.format(parents=parents))
        loaded.append(Config.fromfile(tmp_path / f'{name}.py', format_python_code=False).to_dict())
    assert (loaded[0].pop('dataset_type'), loaded[1].pop('dataset_type')) == (
        'CocoDataset',  # of its parent, as the old function returns only sections
        'AicDataset',
    )
    assert loaded[0] == loaded[1]
    assert loaded[0]['train_dataloader']['dataset']['type'] == 'AicDataset'
    assert loaded[0]['train_dataloader']['batch_size'] == 4


def merge(parent, child):
    """Merges as mmengine does with a config and its parent (it removes ``_delete_``)."""
    result = Config(parent)
    result.merge_from_dict(deepcopy(child))
    return result.to_dict()


@pytest.mark.parametrize(
    'changes',
    [
        dict(model=dict(backbone=dict(depth=2))),
        dict(model=dict(backbone=dict(depth=2, _delete_=True), neck=dict(type='Up'))),
        dict(loader=dict(dataset=dict(file='mine'), workers=0)),
        dict(loader=dict(dataset=dict(type='Mine', _delete_=True))),
        dict(loader=dict(_delete_=True, size=1)),
        dict(metrics=['AUC'], schedule=dict(epochs=3)),
    ],
)
def test_changes_have_the_effect_of_a_child_of_the_sections(changes):
    parent = dict(
        model=dict(backbone=dict(type='ViT', width=8), head=dict(channels=8)),
        loader=dict(size=64, dataset=dict(type='Coco', boxes='file')),
        metrics=['AP'],
        schedule=dict(epochs=210, warm_up=500),
    )
    sections = dict(
        model=dict(backbone=dict(input_hw=(4, 3)), head=dict(keypoints=2)),
        loader=dict(dataset=dict(type='Aic', file='other', _delete_=True)),
        metrics=['PCK'],
    )
    expected = merge(merge(parent, sections), changes)
    assert merge(parent, merged(sections, changes)) == expected


def test_a_list_is_not_changed_by_a_dict():
    with pytest.raises(UserError, match='changes val_evaluator by a dict, but it is a list'):
        merged(dict(val_evaluator=[dict(type='AUC')]), dict(val_evaluator=dict(prefix='hands')))


def test_the_new_datasets_replace_the_parents(base):
    for names in (['mpii', 'coco'], [*base.datasets, 'zebra']):
        parent = dict(base.to_dict(), zebra=base.aic.to_dict())
        child = merge(parent, experiments.multi_dataset_config(ConfigDict(parent), names))
        assert list(child['datasets']) == names
        assert [head['dataset'] for head in child['model']['head']['heads']] == names
        assert child['model']['backbone']['ffn'] == dict(num_experts=len(names))


def test_experts_are_counted_unless_the_config_chooses_another_ffn(base):
    shared = dict(type='SharedFFN', _delete_=True)
    sections = experiments.multi_dataset_config(base, model=dict(backbone=dict(ffn=shared)))
    assert sections['model']['backbone']['ffn'] == shared
    assert list(sections['datasets']) == [*base.datasets, '_delete_']  # without names: all datasets


def test_a_change_of_an_entry_in_a_parent_is_kept(base):
    changed = ConfigDict(base.to_dict())
    changed.datasets.coco.num_keypoints = 5
    sections = experiments.multi_task_config(changed, ['aic', 'coco'])
    assert [head['num_keypoints'] for head in sections['model']['head']['heads']] == [14, 5]


def test_sections_share_nothing_with_each_other_or_with_the_base(base):
    one_process = dict(num_workers=0, mp=dict(start='fork'))
    loaders = dict(val_dataloader=one_process, test_dataloader=one_process)
    sections = experiments.single_dataset_config(base, 'coco', **loaders)
    sections['val_dataloader']['mp']['start'] = 'spawn'
    sections['val_dataloader']['dataset']['data_prefix']['img'] = 'changed'
    assert sections['test_dataloader']['mp']['start'] == 'fork'
    assert sections['test_dataloader']['dataset']['data_prefix']['img'] == 'val2017/'
    assert base.coco.val.data_prefix.img == 'val2017/'


def test_a_dataset_without_an_entry_is_named(base):
    message = (
        "no entry of the dataset 'okapi' in the config: name its file, as configs/datasets/okapi"
    )
    with pytest.raises(UserError, match=message):
        experiments.single_dataset_config(base, 'okapi')
    with pytest.raises(UserError, match=message):
        experiments.multi_dataset_config(base, ['coco', 'okapi'])


def test_a_misspelt_argument_is_no_section(base):
    with pytest.raises(UserError, match=r'inputhw is no argument and no section .* model, train'):
        experiments.single_dataset_config(base, 'coco', inputhw=(384, 288))
