"""Writes the file formats of the datasets.

The arguments of each function are the root folder, the split ('train' or 'val') and pairs of index
and scene. It writes the pictures and the annotation files of that split.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from vitpose_plus.datasets.figures import animal, person
from vitpose_plus.datasets.figures.categories import animal_categories, person_categories
from vitpose_plus.datasets.figures.coco_style import (
    FIRST_ID,
    BoxFile,
    CocoFile,
    clipped_box,
    image_name,
    rounded,
    triplets,
    write_image,
    write_json,
)
from vitpose_plus.datasets.figures.draw import Scene
from vitpose_plus.datasets.figures.figure import Figure

Scenes = Iterable[tuple[int, Scene]]

FRAMES = 3  # number of frames in a clip of APT-36K
WHOLEBODY_PARTS = {
    'foot': person.FEET,
    'face': person.FACE,
    'lefthand': person.HANDS['left'],
    'righthand': person.HANDS['right'],
}
MPII_JOINTS = 'rank rkne rhip lhip lkne lank pelv thor neck head rwri relb rsho lsho lelb lwri'


def write_coco(root: Path, split: str, scenes: Scenes) -> None:
    """COCO, with an extra file of only the pictures with several people; COCO-WholeBody of the same
    people; for val, also detected boxes."""
    folder = root / 'coco'
    categories = person_categories(person.BODY)
    file = CocoFile('COCO', folder / f'{split}2017', split, person.BODY, categories)
    whole = []
    for index, scene in scenes:
        for annotation, figure in file.add(index, scene):
            whole.append(annotation | _wholebody(figure))
    file.dump(folder / f'annotations/person_keypoints_{split}2017.json')
    file.dump_several(folder / f'annotations/several_keypoints_{split}2017.json')
    file.dump(folder / f'annotations/coco_wholebody_{split}_v1.0.json', whole)
    if split == 'val':
        path = 'person_detection_results/COCO_val2017_detections_AP_H_56_person.json'
        write_json(folder / path, [_detection(annotation) for annotation in file.annotations])


def _wholebody(figure: Figure) -> dict[str, Any]:
    """The keypoints, validity and box of feet, face and hands."""
    keys: dict[str, Any] = {}
    for part, names in WHOLEBODY_PARTS.items():
        keypoints = figure.labelled(names)
        seen = keypoints[keypoints[:, 2] > 0, :2]
        keys[f'{part}_kpts'] = triplets(keypoints)
        keys[f'{part}_valid'] = bool(len(seen))
        if part != 'foot':
            low, high = (seen.min(0), seen.max(0)) if len(seen) else np.zeros((2, 2))
            keys[f'{part}_box'] = rounded(np.concatenate([low, high - low]))
    return keys


def _detection(annotation: dict[str, Any]) -> dict[str, Any]:
    """The box of an annotation as from a detector: a few pixels off, with a score."""
    rng = np.random.default_rng(annotation['id'])
    box = np.array(annotation['bbox']) + rng.normal(0, 2, 4)
    box[2:] = np.maximum(box[2:], 4)
    score = round(rng.uniform(0.6, 1), 4)
    return {
        'image_id': annotation['image_id'],
        'category_id': 1,
        'bbox': rounded(box),
        'score': score,
    }


def write_aic(root: Path, split: str, scenes: Scenes) -> None:
    """AI Challenger, in COCO style."""
    name, date = ('train', '20170902') if split == 'train' else ('validation', '20170911')
    folder = root / f'aic/ai_challenger_keypoint_{name}_{date}/keypoint_{name}_images_{date}'
    file = CocoFile('AI Challenger', folder, split, person.AIC, person_categories(person.AIC))
    for index, scene in scenes:
        file.add(index, scene)
    file.dump(root / f'aic/annotations/aic_{split}.json')


def write_mpii(root: Path, split: str, scenes: Scenes) -> None:
    """MPII, with pixels counted from 1; for val also the head boxes."""
    people, heads = [], []
    for index, scene in scenes:
        name = f'{FIRST_ID[split] + index:09d}.jpg'
        write_image(root / 'mpii/images' / name, scene.image)
        for figure in scene.figures:
            keypoints = figure.labelled(person.MPII)
            if np.count_nonzero(keypoints[:, 2]) >= 5:
                people.append(_mpii_person(keypoints, clipped_box(figure, scene), name))
                heads.append(figure.head.reshape(2, 2) + 1)
    folder = root / 'mpii/annotations'
    write_json(folder / f'mpii_{split}.json', people)
    if split == 'val':
        _write_mpii_mat(folder / 'mpii_gt_val.mat', people, heads)


def _mpii_person(keypoints: np.ndarray, box: np.ndarray, name: str) -> dict[str, Any]:
    """The entry of a person: keypoints (16, 3), box x, y, w, h (4,), file name of the picture."""
    seen = keypoints[:, 2] > 0
    joints = np.where(seen[:, None], keypoints[:, :2] + 1, -1.0)
    return {
        'joints_vis': seen.astype(int).tolist(),
        'joints': rounded(joints),
        'image': name,
        'scale': round(float(box[2:].max()) / 200, 6),
        'center': rounded(box[:2] + box[2:] / 2 + 1),
    }


def _write_mpii_mat(path: Path, people: list[dict[str, Any]], heads: list[np.ndarray]) -> None:
    """Writes the file for MPII's evaluation: head boxes, missing joints, true joints."""
    names = np.array(MPII_JOINTS.split(), dtype=object)[None]
    arrays = {
        'dataset_joints': names,
        'headboxes_src': np.stack(heads, axis=-1),
        'jnt_missing': 1 - np.array([p['joints_vis'] for p in people], np.uint8).T,
        'pos_gt_src': np.array([p['joints'] for p in people]).transpose(1, 2, 0),
    }
    savemat(path, arrays)
    # By default, the header of a mat file contains the time of writing.
    text = b'MATLAB 5.0 MAT-file, synthetic figures'.ljust(116)
    with path.open('r+b') as file:
        file.write(text)


def write_ap10k(root: Path, split: str, scenes: Scenes) -> None:
    """AP-10K, in COCO style; the test split repeats the val split."""
    folder, names = root / 'ap10k', animal.KEYPOINTS
    file = CocoFile('AP-10K', folder / 'data', split, names, animal_categories())
    for index, scene in scenes:
        file.add(index, scene)
    for name in ('train',) if split == 'train' else ('val', 'test'):
        file.dump(folder / f'annotations/ap10k-{name}-split1.json')


def write_apt36k(root: Path, split: str, scenes: Scenes) -> None:
    """APT-36K, in COCO style: clips of ``FRAMES`` frames."""
    folder, names = root / 'apt36k', animal.KEYPOINTS
    file = CocoFile('APT-36K', folder, split, names, animal_categories())
    for index, scene in scenes:
        video = FIRST_ID[split] + index // FRAMES
        clip = f'clips/{scene.figures[0].category}_{video:06d}'
        file.add(index, scene, f'{clip}/frame_{index % FRAMES}.jpg', video_id=video)
    file.dump(folder / f'annotations/{split}_annotations_1.json')


def write_mixed(root: Path, split: str, scenes: Scenes) -> None:
    """People and animals in the same pictures: their boxes, for detectors, and their keypoints.

    All three files list all pictures; a figure has the same id in each file that it is in.
    """
    folder = root / 'mixed'
    place = folder / split
    files = {
        'boxes': BoxFile('COCO, without keypoints', place, split),
        'people': CocoFile('COCO', place, split, person.BODY, person_categories(person.BODY)),
        'animals': CocoFile('AP-10K', place, split, animal.KEYPOINTS, animal_categories()),
    }
    for index, scene in scenes:
        write_image(place / image_name(split, index), scene.image)
        for file in files.values():
            file.enter(index, scene)
    for name, file in files.items():
        file.dump(folder / f'annotations/{name}_{split}.json')
