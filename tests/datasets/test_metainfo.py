"""Wrong metainfo is reported in a sentence; mmpose's own and all that works is accepted."""

import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS

from vitpose_plus.commands import HARMLESS
from vitpose_plus.datasets.checking.metainfo import SHIPPED, check_metainfo, metainfo_problems
from vitpose_plus.engine import preflight
from vitpose_plus.errors import UserError

PCK, COCO = dict(type='PCKAccuracy'), dict(type='CocoMetric')


def metainfo(**changes):
    """The metainfo of a nose and two eyes; a mirrored picture swaps the eyes."""
    keypoints = {
        0: dict(name='nose', id=0, color=[255, 128, 0], type='upper', swap=''),
        1: dict(name='left', id=1, color=[255, 128, 0], type='upper', swap='right'),
        2: dict(name='right', id=2, color=(0, 0, 255), type='lower', swap='left'),
    }
    return (
        dict(
            dataset_name='own',
            keypoint_info=keypoints,
            skeleton_info={0: dict(link=('nose', 'left'), id=0, color=[0, 255, 0])},
            joint_weights=[1.0, 1.0, 0.5],
            sigmas=[0.05, 0.05, 0.05],
        )
        | changes
    )


def with_keypoint(number, **changes):
    given = metainfo()
    given['keypoint_info'][number].update(changes)
    return given


def with_link(**changes):
    return metainfo(skeleton_info={0: dict(link=('nose', 'left')) | changes})


def without(key):
    return {k: v for k, v in metainfo().items() if k != key}


def without_name():
    given = metainfo()
    del given['keypoint_info'][1]['name']
    return given


def renumbered(*keys):
    points = metainfo()['keypoint_info'].values()
    return metainfo(keypoint_info=dict(zip(keys, points, strict=True)))


def problems(given, evaluator=COCO):
    return list(metainfo_problems(dict(type='BaseCocoStyleDataset', metainfo=given), evaluator))


PASSING = {
    'all': metainfo(),
    'no skeleton': metainfo(skeleton_info={}),
    'no colors': metainfo(
        keypoint_info={0: dict(name='a'), 1: dict(name='b'), 2: dict(name='c')}, skeleton_info={}
    ),
    'its own partner': with_keypoint(0, swap='nose'),
    'a weight of zero': metainfo(joint_weights=[0, 1, 1]),
    'arrays': metainfo(sigmas=np.full(3, 0.05), joint_weights=np.ones(3, np.float32)),
    'tuples': metainfo(sigmas=(0.05, 1, 1), joint_weights=(1, 1, 1)),
    'statistics': metainfo(stats_info=dict(bbox_center=(528.0, 427.0), bbox_scale=400.0)),
}


@pytest.mark.parametrize('given', PASSING.values(), ids=PASSING)
def test_metainfo_that_works_is_accepted(given):
    assert problems(given) == []
    DATASETS.build(dict(type='BaseCocoStyleDataset', metainfo=given, lazy_init=True))


WRONG = [
    (metainfo(sigmas=[0.05] * 17), 'has 17 sigmas for 3 keypoints: give one'),
    (metainfo(sigmas=[0.05]), 'has 1 sigmas for 3 keypoints'),
    (metainfo(sigmas=[0.05, 0, 0.05]), 'has 0 among its sigmas: give finite, positive numbers'),
    (metainfo(sigmas=[0.05, -1, 0.05]), 'has -1 among its sigmas'),
    (metainfo(sigmas=[0.05, float('nan'), 0.05]), 'has nan among its sigmas'),
    (metainfo(sigmas=[0.05, '0.05', 0.05]), 'has sigmas that are not a list of numbers'),
    (metainfo(sigmas=0.05), 'has sigmas that are not a list of numbers'),
    (metainfo(sigmas=np.array(0.05)), 'has sigmas that are not a list of numbers'),
    (metainfo(sigmas=[[0.05] * 3]), 'has sigmas that are not a list of numbers'),
    (without('sigmas'), r'has no sigmas: give one for each of the 3 keypoints, or \[\] if no'),
    (metainfo(joint_weights=[1.0] * 2), 'has 2 joint_weights for 3 keypoints'),
    (metainfo(joint_weights=[]), 'has 0 joint_weights for 3 keypoints'),
    (metainfo(joint_weights=[1, -1, 1]), 'has -1 among its joint_weights'),
    (metainfo(joint_weights=[1, float('inf'), 1]), 'has inf among its joint_weights'),
    (metainfo(joint_weights=[1, 10**400, 1]), 'among its joint_weights'),
    (metainfo(joint_weights=[0, 0, 0]), 'has only 0 among its joint_weights'),
    (metainfo(joint_weights=None), 'has joint_weights that are not a list of numbers'),
    (metainfo(joint_weights=[True] * 3), 'has joint_weights that are not a list of numbers'),
    (without('joint_weights'), 'has no joint_weights: give one for each of the 3 keypoints'),
    (with_keypoint(2, swap=''), 'swaps the keypoint left with right, but right with none: the two'),
    (with_keypoint(2, swap='nose'), 'swaps the keypoint left with right, but right with nose'),
    (with_keypoint(0, swap='tail'), 'keypoint nose with the swap tail, which is not a keypoint'),
    (with_keypoint(0, swap=None), 'keypoint nose with the swap None, which is not a keypoint'),
    (with_keypoint(0, swap=['left']), 'keypoint nose with the swap .*, which is not a keypoint'),
    (with_keypoint(0, swap=1), 'keypoint nose with the swap 1, which is not a keypoint'),
    (with_link(link=('nose', 'tail')), 'a link 0 of skeleton_info with tail, which is not a'),
    (with_link(link=('nose', 1)), 'a link 0 of skeleton_info with 1, which is not a keypoint'),
    (with_link(link=('nose', ['left'])), 'a link 0 of skeleton_info with .*, which is not a'),
    (with_link(link=('nose',)), 'a link 0 of skeleton_info that is .*: name two keypoints'),
    (with_link(link=None), 'a link 0 of skeleton_info that is None: name two keypoints'),
    (with_link(color=[0, 0]), r'a link 0 of skeleton_info with the color \[0, 0\]: give three'),
    (metainfo(skeleton_info=[]), 'has no skeleton_info, or its form is wrong'),
    (metainfo(skeleton_info={0: ('nose', 'left')}), 'has no skeleton_info, or its form is wrong'),
    (without('skeleton_info'), r'has no skeleton_info, .* or \{\} for none'),
    (renumbered(1, 2, 3), r'keypoint ids \[1, 2, 3\]: number the 3 keypoints .* from 0 to 2'),
    (renumbered(0, 1, 3), r'has the keypoint ids \[0, 1, 3\]'),
    (renumbered('0', '1', '2'), "has the keypoint ids ['0', '1', '2']".replace('[', r'\[')),
    (with_keypoint(1, name='nose'), 'has two keypoints with the name nose'),
    (with_keypoint(0, name=''), "has a keypoint 0 with the name '': give it a name"),
    (with_keypoint(0, name=['nose']), 'has a keypoint 0 with the name .*nose'),
    (without_name(), 'has a keypoint 1 with the name None: give it a name'),
    (with_keypoint(0, color=[0, 0, 256]), r'a keypoint 0 with the color \[0, 0, 256\]: give three'),
    (with_keypoint(0, color='red'), 'a keypoint 0 with the color red: give three numbers'),
    (with_keypoint(0, color=[None] * 3), 'a keypoint 0 with the color'),
    (metainfo(keypoint_info={}), 'has no keypoint_info, or its form is wrong'),
    (metainfo(keypoint_info=['nose']), 'has no keypoint_info, or its form is wrong'),
    (metainfo(keypoint_info={0: 'nose'}), 'has no keypoint_info, or its form is wrong'),
    (without('keypoint_info'), 'has no keypoint_info, or its form is wrong'),
    (metainfo(stats_info=dict(bbox_center=['x'])), 'cannot be read .ValueError: .*: correct it'),
]


@pytest.mark.parametrize(('given', 'message'), WRONG)
def test_wrong_metainfo_is_reported_in_a_sentence(given, message):
    found = problems(given)
    start = re.escape('The metainfo of the dataset own (in the config) ')
    assert any(re.match(f'{start}.*{message}', problem) for problem in found), found
    assert all(problem.endswith('.') and '\n' not in problem for problem in found)


@pytest.mark.parametrize('name', [None, '', 5, ['own']])
def test_a_dataset_needs_a_name(name):
    assert problems(metainfo(dataset_name=name)) == [
        f'The metainfo (in the config) has the dataset_name {name!r}: give the dataset a name.'
    ]


@pytest.mark.parametrize('given', [{}, None, 'coco.py', 7])
def test_a_dataset_needs_metainfo(given):
    [problem] = problems(given)
    assert problem.startswith('A dataset of the type BaseCocoStyleDataset has no metainfo (')


def test_all_problems_are_listed_and_the_first_is_raised():
    given = with_keypoint(2, swap='')
    given.update(sigmas=[0.05], skeleton_info={0: dict(link=('a', 'b'))})
    found = problems(given)
    assert len(found) == 3
    part = dict(type='BaseCocoStyleDataset', metainfo=given)
    with pytest.raises(UserError) as error:
        check_metainfo(dict(datasets=[dict(type='CocoDataset'), part]), COCO)
    assert str(error.value) == found[0]


@pytest.mark.parametrize('none', [[], None, np.zeros(0)])
def test_sigmas_are_needed_only_by_some_metrics(none):
    given, parts = metainfo(sigmas=none), dict(type='KeypointPartitionMetric', partitions={})
    for metric in (PCK, [PCK, dict(type='AUC')], None, parts | dict(metric=PCK)):
        assert problems(given, metric) == []
    several = dict(type='DatasetwiseEvaluator', metrics=[PCK | dict(dataset='own')])
    several['metrics'].append(COCO | dict(dataset='another'))
    assert problems(given, several) == []
    several['metrics'].append(COCO | dict(dataset='own'))
    for metric in (COCO, [PCK, COCO], several, parts | dict(metric=COCO)):
        assert problems(given, metric) == [
            'The metainfo of the dataset own (in the config) has no sigmas, which CocoMetric needs:'
            ' give one for each keypoint (0.05 if unknown), or use another metric.'
        ]


# Wrong files that mmpose reads: unused weights, and one wrong pair among 294 points.
INCONSISTENT = {
    'coco_aic': 'has 18 joint_weights for 19 keypoints',
    'humanart_aic': 'has 18 joint_weights for 19 keypoints',
    'deepfashion2': 'swaps the keypoint vest_kpt9 with vest_kpt13, but vest_kpt13 with none',
}


def test_files_of_mmpose_are_accepted(tmp_path):
    """Wrong files of mmpose are accepted, too; the user's copy of one is refused."""
    files = sorted(SHIPPED.glob('*.py'))
    assert len(files) > 50
    given = {file.stem: dict(Config.fromfile(file).dataset_info) for file in files}
    found = {name: own for name, info in given.items() if (own := problems(info, PCK))}
    assert set(found) == set(INCONSISTENT)
    for name, [problem] in found.items():
        assert INCONSISTENT[name] in problem
        assert problems(dict(from_file=f'configs/_base_/datasets/{name}.py'), PCK) == []
    assert problems(dict(from_file=str(SHIPPED / 'coco_aic.py')), PCK) == []
    copy = tmp_path / 'mine.py'
    copy.write_text((SHIPPED / 'coco_aic.py').read_text())
    [problem] = problems(dict(from_file=str(copy)), PCK)
    assert problem.startswith(f'The metainfo of the dataset coco ({copy}) has 18 joint_weights')
    [problem] = problems(dict(from_file='configs/_base_/datasets/wflw.py'), COCO)
    assert problem.startswith('The metainfo of the dataset wflw (configs/_base_/datasets/wflw.py)')


@pytest.mark.parametrize(
    'path',
    [
        'my_configs/coco.py',
        'coco.py',
        '../configs/_base_/datasets/coco.py',
        'configs/_base_/datasets/cocoo.py',
        '/configs/_base_/datasets/coco.py',
        'configs/_base_/datasets',
        '',
        None,
        ['coco.py'],
    ],
)
def test_a_missing_file_is_not_replaced_by_one_of_mmpose(path):
    [problem] = problems(dict(from_file=path))
    named = re.escape(str(path) if path else repr(path))
    assert re.match(rf'The metainfo file {named} \(from_file\) does not exist: correct', problem)


FILES = {
    'own.txt': ('dataset_info = 1', 'cannot be read .*: it must be a config with dataset_info'),
    'syntax.py': ('dataset_info = dict(', r'cannot be read .SyntaxError: .*: it must be a config'),
    'empty.py': ('', 'cannot be read .AttributeError: '),
    'raises.py': ('dataset_info = 1 / 0', 'cannot be read .ZeroDivisionError: '),
    'own.json': ('[1', 'cannot be read .*: it must be a config'),
}


@pytest.mark.parametrize('name', FILES)
def test_a_file_that_cannot_be_read_is_reported_in_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, message = FILES[name]
    Path(name).write_text(text)
    [problem] = problems(dict(from_file=name))
    assert re.fullmatch(rf'The metainfo file {name} \(from_file\) {message}.*', problem), problem


def test_the_message_names_the_file_of_the_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('own.py').write_text(f'dataset_info = {metainfo(sigmas=[1.0])!r}')
    [problem] = problems(dict(from_file='own.py'))
    assert problem.startswith('The metainfo of the dataset own (own.py) has 1 sigmas')
    Path('number.py').write_text('dataset_info = 3')
    [problem] = problems(dict(from_file='number.py'))
    assert problem == 'The metainfo (number.py) is 3: it must be a mapping.'
    Path('configs/_base_/datasets').mkdir(parents=True)
    Path('own.py').rename('configs/_base_/datasets/coco.py')  # comes before mmpose's
    [problem] = problems(dict(from_file='configs/_base_/datasets/coco.py'))
    assert 'has 1 sigmas for 3 keypoints' in problem


def test_other_fields_beside_from_file_are_refused():
    path = 'configs/_base_/datasets/coco.py'
    [problem] = problems(dict(from_file=path, sigmas=[1.0], dataset_name='own'))
    assert problem.startswith(f'A metainfo has from_file={path} and dataset_name, sigmas, but')


@pytest.mark.parametrize(
    ('path', 'hidden'),
    [
        ('configs/_base_/datasets/coco_wholebody.py', True),
        ('my_configs/coco.py', False),
        ('coco.py', False),
    ],
)
def test_only_warnings_about_files_of_mmpose_are_hidden(path, hidden):
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter('always')
        warnings.filterwarnings('ignore', HARMLESS)
        DATASETS.build(dict(type='CocoDataset', lazy_init=True, metainfo=dict(from_file=path)))
    assert [path in str(each.message) for each in raised] == ([] if hidden else [True])


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_wrong_metainfo_is_reported_before_anything_is_built(split, tiny_config):
    part = tiny_config[f'{split}_dataloader'].dataset.datasets[0]
    part.update(type='BaseCocoStyleDataset', metainfo=metainfo(dataset_name='coco', sigmas=[1.0]))
    with pytest.raises(UserError, match=r'^The metainfo of the dataset coco \(in the config\) has'):
        preflight.check(tiny_config, (split,))


UNEXPECTED = [None, True, 0, -1, 1.5, float('nan'), '', 'nose', [], {}, ['left'], 10**400]


def mutated(value, chance):
    """The value with one part of it replaced or left out."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: mutated(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        row = chance.randrange(len(value))
        return [*value[:row], mutated(value[row], chance), *value[row + 1 :]]
    return chance.choice(UNEXPECTED)


def test_accepted_metainfo_is_built_without_a_traceback():
    chance, passed = random.Random(0), 0
    for _ in range(2000):
        given = mutated(metainfo(), chance)
        if not problems(given, PCK):
            passed += 1
            built = DATASETS.build(dict(type='CocoDataset', metainfo=given, lazy_init=True))
            indices = built.metainfo['flip_indices']
            assert [indices[row] for row in indices] == [0, 1, 2]
    assert 50 < passed < 1000
