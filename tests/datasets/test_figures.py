"""Synthetic figures are reproducible and exact, and the datasets of mmpose can read them."""

import vitpose_plus  # noqa: F401

# isort: split
import hashlib
import json

import cv2
import numpy as np
import pytest
import torch
from mmpose.datasets.datasets import (
    AicDataset,
    AP10KDataset,
    CocoDataset,
    CocoWholeBodyDataset,
    MpiiDataset,
)
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from scipy.io import loadmat

from vitpose_plus.datasets.figures import animal, generate, person, write_figures
from vitpose_plus.datasets.figures.animal_shapes import sample_animal
from vitpose_plus.datasets.figures.draw import compose
from vitpose_plus.datasets.figures.person_shapes import sample_person
from vitpose_plus.datasets.figures.shapes import hull

NUM_TRAIN, NUM_VAL = 30, 4
COCO_STYLE = {
    'coco/annotations/person_keypoints_{}2017.json': 'coco/{}2017',
    'coco/annotations/coco_wholebody_{}_v1.0.json': 'coco/{}2017',
    'aic/annotations/aic_{}.json': {
        'train': 'aic/ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902',
        'val': 'aic/ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911',
    },
    'ap10k/annotations/ap10k-{}-split1.json': 'ap10k/data',
    'apt36k/annotations/{}_annotations_1.json': 'apt36k',
}
MIXED = {
    'mixed/annotations/people_{}.json': 'mixed/{}',
    'mixed/annotations/animals_{}.json': 'mixed/{}',
}
# Mean grey values of the pictures of both splits, computed with commit 53cd9b6: a new set of
# pictures must not change the other sets.
GREY = {'coco': 142.252, 'aic': 133.816, 'mpii': 135.646, 'ap10k': 128.055, 'apt36k': 158.877}
NAMES = {
    'coco': person.BODY,
    'coco_wholebody': person.WHOLEBODY,
    'aic': person.AIC,
    'mpii': person.MPII,
    'ap10k': animal.KEYPOINTS,
}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('figures')
    write_figures(folder, NUM_TRAIN, NUM_VAL, seed=3)
    return folder


def digests(folder):
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def read(root, pattern, split):
    """The content of an annotation file, and the folder of its images."""
    folder = (COCO_STYLE | MIXED)[pattern]
    folder = folder[split] if isinstance(folder, dict) else folder.format(split)
    return json.loads((root / pattern.format(split)).read_text()), root / folder


def metainfo(name):
    return parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})


def test_same_seed_writes_the_same_bytes(root, tmp_path):
    write_figures(tmp_path / 'again', NUM_TRAIN, NUM_VAL, seed=3)
    assert digests(tmp_path / 'again') == digests(root)


def test_several_processes_write_the_same_bytes(root, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, 'PICTURES_PER_PROCESS', 2)
    write_figures(tmp_path / 'again', NUM_TRAIN, NUM_VAL, seed=3, processes=2)
    assert digests(tmp_path / 'again') == digests(root)


def composer_with_an_error(rng, time):
    raise ValueError(f'moment {time}')


def test_an_error_in_another_process_is_raised(monkeypatch):
    monkeypatch.setattr(generate, 'PICTURES_PER_PROCESS', 2)
    scenes = generate.Scenes([0], 4, composer_with_an_error, 1)
    with pytest.raises(ValueError, match=r'worker process[\s\S]*moment 0\.0'):
        list(scenes.composed(2))


def test_only_many_pictures_have_processes_of_their_own():
    each = generate.PICTURES_PER_PROCESS
    for total, processes, workers in [
        (each - 1, 8, 0),
        (2 * each, 8, 2),
        (8 * each, 2, 2),
        (8 * each, 1, 0),
    ]:
        scenes = generate.Scenes([0], total, composer_with_an_error, 1)
        assert scenes.composed(processes).num_workers == workers


def test_composing_leaves_the_random_numbers_of_torch():
    before = torch.get_rng_state()
    list(generate.Scenes([0], 1, generate.PEOPLE, 1).composed())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize('name', GREY)
def test_images_are_the_same_as_in_earlier_versions(root, name):
    images = [cv2.imread(str(path)) for path in (root / name).rglob('*.jpg')]
    assert np.mean([image.mean() for image in images]) == pytest.approx(GREY[name], abs=0.005)


def test_another_seed_gives_other_images(root, tmp_path):
    write_figures(tmp_path, 3, 1, seed=4)
    first, other = digests(root), digests(tmp_path)
    images = [name for name in other if name.endswith('.jpg') and name in first]
    assert images
    assert all(other[name] != first[name] for name in images)


def test_images_do_not_depend_on_how_many_are_made(root, tmp_path):
    write_figures(tmp_path, 4, 2, seed=3)
    written = digests(root)
    images = {name: digest for name, digest in digests(tmp_path).items() if name.endswith('.jpg')}
    assert len(images) == 6 * (4 + 2)
    assert images == {name: written[name] for name in images}
    for pattern in COCO_STYLE | MIXED:
        few, many = read(tmp_path, pattern, 'val')[0], read(root, pattern, 'val')[0]
        assert few['annotations'] == many['annotations'][: len(few['annotations'])]


def test_progress_wraps_every_split(tmp_path):
    seen = {}

    def progress(scenes, total, desc):
        seen[desc] = (total, 0)
        for scene in scenes:
            seen[desc] = (total, seen[desc][1] + 1)
            yield scene

    write_figures(tmp_path, 2, 1, progress=progress)
    assert len(seen) == 12
    assert all(total == count for total, count in seen.values())


@pytest.mark.parametrize('name', NAMES)
def test_names_are_those_of_mmpose(name):
    info = metainfo(name)
    assert NAMES[name] == tuple(info['keypoint_id2name'][i] for i in range(info['num_keypoints']))


def test_faces_are_symmetric_under_the_flip_pairs_of_mmpose():
    rng = np.random.default_rng(0)
    mean = np.mean([person.sample_face(rng) for _ in range(400)], axis=0)
    flip = np.array(metainfo('coco_wholebody')['flip_indices'][23:91]) - 23
    np.testing.assert_allclose(mean[flip] * (-1, 1), mean, atol=0.03)


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('pattern', COCO_STYLE)
def test_every_image_has_a_figure(root, pattern, split):
    content = read(root, pattern, split)[0]
    ids = {image['id'] for image in content['images']}
    assert {annotation['image_id'] for annotation in content['annotations']} == ids


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('pattern', COCO_STYLE | MIXED)
def test_coco_style_files_are_consistent(root, pattern, split):
    content, folder = read(root, pattern, split)
    images = {image['id']: image for image in content['images']}
    categories = {category['id']: category for category in content['categories']}
    assert len(images) == (NUM_TRAIN if split == 'train' else NUM_VAL)
    assert len({a['id'] for a in content['annotations']}) == len(content['annotations'])
    assert {a['image_id'] for a in content['annotations']} <= set(images)
    for image in images.values():
        pixels = cv2.imread(str(folder / image['file_name']))
        assert pixels.shape == (image['height'], image['width'], 3)
    for annotation in content['annotations']:
        size = images[annotation['image_id']]
        category = categories[annotation['category_id']]
        marks = np.reshape(annotation['keypoints'], (-1, 3))
        x, y, w, h = annotation['bbox']
        assert len(marks) == len(category['keypoints'])
        assert annotation['num_keypoints'] == (marks[:, 2] > 0).sum() >= 5
        assert annotation['area'] == pytest.approx(0.53 * w * h, abs=0.01)
        assert (marks[marks[:, 2] == 0] == 0).all()
        assert 0 <= x < x + w <= size['width']
        assert 0 <= y < y + h <= size['height']
        seen = marks[marks[:, 2] > 0, :2]
        assert (seen >= np.array([x, y]) - 1).all()
        assert (seen <= np.array([x + w, y + h]) + 1).all()


def test_wholebody_has_the_people_of_coco(root):
    for split in ('train', 'val'):
        body = read(root, 'coco/annotations/person_keypoints_{}2017.json', split)[0]
        whole = read(root, 'coco/annotations/coco_wholebody_{}_v1.0.json', split)[0]
        people = {annotation['id']: annotation for annotation in whole['annotations']}
        assert len(people) == len(body['annotations'])
        for annotation in body['annotations']:
            wide = people[annotation['id']]
            assert annotation.items() <= wide.items()
            assert np.allclose(wide['lefthand_kpts'][:2], annotation['keypoints'][27:29])
            for part in ('foot', 'face', 'lefthand', 'righthand'):
                assert wide[f'{part}_valid'] == any(wide[f'{part}_kpts'][2::3])


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize(
    ('cls', 'ann_file', 'count'),
    [
        (CocoDataset, 'coco/annotations/person_keypoints_{}2017.json', 17),
        (CocoWholeBodyDataset, 'coco/annotations/coco_wholebody_{}_v1.0.json', 133),
        (AicDataset, 'aic/annotations/aic_{}.json', 14),
        (MpiiDataset, 'mpii/annotations/mpii_{}.json', 16),
        (AP10KDataset, 'ap10k/annotations/ap10k-{}-split1.json', 17),
        (AP10KDataset, 'apt36k/annotations/{}_annotations_1.json', 17),
    ],
)
def test_mmpose_loads(root, cls, ann_file, count, split):
    keys = {}
    if cls is MpiiDataset and split == 'val':
        keys = {'headbox_file': str(root / 'mpii/annotations/mpii_gt_val.mat'), 'test_mode': True}
    dataset = cls(ann_file=ann_file.format(split), data_root=str(root), **keys)
    assert len(dataset) >= (NUM_TRAIN if split == 'train' else NUM_VAL)
    for i in range(len(dataset)):
        sample = dataset.get_data_info(i)
        assert sample['keypoints'].shape == (1, count, 2)
        assert sample['keypoints_visible'].sum() >= 5
        if keys:
            assert sample['head_size'].item() > 5


def test_mmpose_loads_detected_boxes(root):
    dataset = CocoDataset(
        ann_file='annotations/person_keypoints_val2017.json',
        bbox_file=str(
            root / 'coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json'
        ),
        data_root=str(root / 'coco'),
        data_prefix={'img': 'val2017/'},
        test_mode=True,
    )
    truth = CocoDataset(
        ann_file='annotations/person_keypoints_val2017.json',
        data_root=str(root / 'coco'),
        data_prefix={'img': 'val2017/'},
        test_mode=True,
    )
    assert len(dataset) == len(truth) > 0
    for found, true in zip(dataset, truth, strict=True):
        assert found['img_path'] == true['img_path']
        assert 0.6 <= found['bbox_score'].item() <= 1
        assert 0 < np.abs(found['bbox'] - true['bbox']).max() < 20


def sides(root, pattern, names):
    """BGR colours (N, 3) at the visible keypoints of the left side and of the right side."""
    colours = {'left': [], 'right': []}
    content, folder = read(root, pattern, 'train')
    files = {image['id']: image['file_name'] for image in content['images']}
    order = content['categories'][0]['keypoints']
    for annotation in content['annotations']:
        image = cv2.imread(str(folder / files[annotation['image_id']]))
        for side, side_names in names.items():
            for name in side_names:
                x, y, v = np.reshape(annotation['keypoints'], (-1, 3))[order.index(name)]
                if v == 2:
                    colours[side].append(image[round(y), round(x)].astype(int))
    return {side: np.array(values) for side, values in colours.items()}


@pytest.mark.parametrize(
    ('pattern', 'left', 'right'),
    [
        (pattern, [name.format('left') for name in names], [name.format('right') for name in names])
        for pattern in list(COCO_STYLE)[:3]
        for names in [('{}_wrist', '{}_ankle', '{}_elbow', '{}_knee')]
    ]
    + [
        (pattern, ['L_F_Paw', 'L_B_Paw'], ['R_F_Paw', 'R_B_Paw'])
        for pattern in list(COCO_STYLE)[3:]
    ],
)
def test_left_is_warm_and_right_is_cool(root, pattern, left, right):
    colours = sides(root, pattern, {'left': left, 'right': right})
    blue, _, red = colours['left'].T
    assert (red > blue + 20).mean() > 0.95
    blue, _, red = colours['right'].T
    assert (blue > red + 20).mean() > 0.95


def test_mpii_counts_pixels_from_one(root):
    people = json.loads((root / 'mpii/annotations/mpii_train.json').read_text())
    expected = [
        (figure.labelled(person.MPII), f'{index + 1:09d}.jpg')
        for index in range(NUM_TRAIN)
        for figure in compose(np.random.default_rng([3, 2, 0, index]), sample_person).figures
    ]
    assert [entry['image'] for entry in people] == [name for _, name in expected]
    for entry, (marks, _) in zip(people, expected, strict=True):
        seen = marks[:, 2] > 0
        np.testing.assert_array_equal(np.array(entry['joints_vis']) > 0, seen)
        joints = np.array(entry['joints'])
        np.testing.assert_allclose(joints[seen] - 1, marks[seen, :2], atol=1e-9)
        assert (joints[~seen] == -1).all()


def test_mpii_head_boxes_contain_the_heads(root):
    people = json.loads((root / 'mpii/annotations/mpii_val.json').read_text())
    truth = loadmat(root / 'mpii/annotations/mpii_gt_val.mat')
    joints = np.array([entry['joints'] for entry in people])
    visible = np.array([entry['joints_vis'] for entry in people])
    boxes = truth['headboxes_src']
    assert boxes.shape == (2, 2, len(people))
    assert (boxes[1] - boxes[0] > 5).all()
    np.testing.assert_array_equal(truth['jnt_missing'], 1 - visible.T)
    np.testing.assert_array_equal(truth['pos_gt_src'], joints.transpose(1, 2, 0))
    top = joints[:, person.MPII.index('head_top')]
    seen = visible[:, person.MPII.index('head_top')] > 0
    inside = (top >= boxes[0].T - 1) & (top <= boxes[1].T + 1)
    assert inside[seen].all()


def test_clips_move_the_same_animals_a_little(root):
    content, _ = read(root, 'apt36k/annotations/{}_annotations_1.json', 'train')
    videos = {}
    for annotation in content['annotations']:
        videos.setdefault(annotation['video_id'], {}).setdefault(annotation['image_id'], [])
        videos[annotation['video_id']][annotation['image_id']].append(annotation)
    assert len(videos) == NUM_TRAIN // 3
    for frames in videos.values():
        first, *others = (frames[image] for image in sorted(frames))
        assert len(others) == 2
        for frame in others:
            for now, then in zip(frame, first, strict=True):
                assert now['category_id'] == then['category_id']
                marks = np.reshape([now['keypoints'], then['keypoints']], (2, -1, 3))
                both = (marks[:, :, 2] > 0).all(0)
                steps = np.linalg.norm(marks[0, both, :2] - marks[1, both, :2], axis=1)
                assert 0 < steps.max() < 60


@pytest.mark.parametrize('centre', [(20.0, 20.0), (20.25, 19.5), (19.7, 20.9)])
def test_discs_are_drawn_at_their_centres(centre):
    shape = hull(np.array(centre), 6.0, (255, 255, 255))
    image = np.zeros((40, 40, 3), np.uint8)
    cv2.fillConvexPoly(image, np.rint(shape.points * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    weights = image[..., 0].astype(float)
    rows, columns = np.indices(weights.shape)
    middle = (columns * weights).sum(), (rows * weights).sum()
    np.testing.assert_allclose(np.array(middle) / weights.sum(), centre, atol=0.1)


@pytest.mark.parametrize('sample', [sample_person, sample_animal])
def test_boxes_are_tight_around_the_drawn_pixels(sample):
    for seed in range(5):
        figure = sample(np.random.default_rng(seed), 200.0)
        figure.move(np.array([300.0, 300.0]))
        image, owner = np.zeros((600, 600, 3), np.uint8), np.zeros((600, 600), np.uint8)
        figure.draw(image, owner, 1)
        rows, columns = np.nonzero(owner)
        drawn = columns.min(), rows.min(), columns.max(), rows.max()
        np.testing.assert_allclose(figure.box, drawn, atol=1.5)
        assert image[owner == 0].any(axis=1).mean() < 0.01


def test_points_behind_a_later_figure_are_marked_hidden():
    hidden = visible = 0
    for seed in range(30):
        scene = compose(np.random.default_rng([9, seed]), sample_person)
        last = scene.figures[-1]
        for figure in scene.figures[:-1]:
            inside = (figure.points > last.box[:2]).all(1) & (figure.points < last.box[2:]).all(1)
            hidden += (figure.keypoints[inside, 2] == 1).sum()
            visible += (figure.keypoints[~inside, 2] == 2).sum()
    assert hidden > 0
    assert visible > 20 * hidden
