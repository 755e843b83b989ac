"""Prints how well tracks and keypoints fit the truth of synthetic films (docs/predict.md).

    python benchmarks/films.py DETECTOR --model CONFIG --checkpoint FILE

The films are those of ``vitpose figures --films N --seconds S``, with true ids and keypoints. IDF1
compares tracks with the true ids. Figures that are hidden by more than 80 % do not count. Beside it
is the IDF1 of a perfect tracker with the same boxes. The error is the mean distance of people's
keypoints from the truth, in pixels.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from trackers.eval import box_iou, compute_identity_metrics

from vitpose_plus import PosePredictor
from vitpose_plus.datasets.figures.film_writing import write_films
from vitpose_plus.inference.refining import Refinement
from vitpose_plus.inference.results import Instance, Result
from vitpose_plus.inference.smoothing import SMOOTHERS

VISIBLE = 0.2  # the least visible share of a figure that counts
SAME = 0.5  # IoU of boxes of the same figure
NAMES = {1: 'person', 2: 'animal'}


class Truth:
    """The true figures of a film, by frame.

    Args:
        path: The JSON file beside the film.
    """

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self.frames = defaultdict(list)
        for each in content['annotations']:
            if each['visible'] >= VISIBLE and min(each['bbox'][2:]) > 1:
                self.frames[each['frame']].append(each)

    def boxes(self, frame: int) -> np.ndarray:
        """x1, y1, x2, y2 (N, 4)."""
        xywh = np.array([each['bbox'] for each in self.frames[frame]], float).reshape(-1, 4)
        return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)

    def ids(self, frame: int) -> np.ndarray:
        return np.array([each['track_id'] for each in self.frames[frame]], int)

    def write_boxes(self, path: Path, film: str) -> None:
        """Writes the true boxes as a csv file for ``--boxes``."""
        rows = ['source,x1,y1,x2,y2,label']
        for frame in range(max(self.frames) + 1):
            name = f'{film}/frame_{frame:06d}.png'
            boxes = self.boxes(frame).tolist()
            labels = [NAMES[each['category_id']] for each in self.frames[frame]]
            rows += [
                f'{name},{",".join(map(str, b))},{k}' for b, k in zip(boxes, labels, strict=True)
            ]
            rows += [] if boxes else [f'{name},,,,,']
        path.write_text('\n'.join(rows) + '\n')


def idf1(results: list[Result], truth: Truth) -> float:
    """IDF1 of the tracks of a film."""
    true, found, similar = [], [], []
    for result in results:
        own = [each for each in result.instances if each.id is not None]
        true.append(truth.ids(result.frame))
        found.append(np.array([each.id for each in own], int))
        similar.append(box_iou(truth.boxes(result.frame), boxes_of(own)))
    return compute_identity_metrics(true, found, similar)['IDF1']


def bound(results: list[Result], truth: Truth) -> float:
    """The IDF1 of a perfect tracker.

    It finds the right id of every box that fits a figure, and leaves out all other boxes.
    """
    true, fitting = 0, 0
    for result in results:
        similar = box_iou(truth.boxes(result.frame), boxes_of(result.instances))
        fits = similar >= SAME
        fitting += fits[linear_sum_assignment(fits, maximize=True)].sum()
        true += len(similar)
    return 2 * fitting / (true + fitting)


def boxes_of(instances: list[Instance]) -> np.ndarray:
    """x1, y1, x2, y2 (N, 4)."""
    return np.array([each.box for each in instances], float).reshape(-1, 4)


def errors(results: list[Result], truth: Truth) -> np.ndarray:
    """Raw and smoothed distance of people's visible keypoints from the truth, (N, 2) in pixels."""
    rows = []
    for result in results:
        people = [each for each in truth.frames[result.frame] if each['category_id'] == 1]
        own = [each for each in result.instances if each.dataset == 'coco' and each.id is not None]
        if not people or not own:
            continue
        boxes = np.array([each['bbox'] for each in people], float)
        boxes[:, 2:] += boxes[:, :2]
        overlap = box_iou(boxes, boxes_of(own))
        for row, column in zip(*np.nonzero(overlap > SAME), strict=True):
            keypoints = np.reshape(people[row]['keypoints'], (17, 3))
            seen = (keypoints[:, 2] == 2) & (own[column].scores > 0.3)
            versions = own[column].keypoints, own[column].smoothed
            rows.append([np.linalg.norm(v[seen] - keypoints[seen, :2], axis=1) for v in versions])
    return np.concatenate([np.stack(row, 1) for row in rows])


def predict(predictor: PosePredictor, film: Path, boxes: str) -> list[Result]:
    """The results of a film, without tracks and without pictures."""
    results = predictor(str(film), boxes, dataset='person=coco,animal=ap10k')
    return [replace(each, image=None) for each in results]


def track(predictor: PosePredictor, results: list[Result], smooth: str) -> list[Result]:
    """Copies of the results with tracks and smoothed keypoints."""
    refine = Refinement(smooth, fill=0)
    return list(refine(predictor.tracking()(deepcopy(results))))


def report(
    folder: Path, predictor: PosePredictor, detector: str, films: int, seconds: float, seed: int
) -> dict[str, dict[str, list]]:
    """Writes films into a folder, and measures each of them.

    Returns:
        For true and detected boxes: the name of a number -> its values, one for each film; for the
        name of a smoother, the values are the errors (N, 2) of N keypoints.
    """
    write_films(folder, films, seconds, seed)
    rows = {name: defaultdict(list) for name in ('true boxes', 'detected boxes')}
    for film in sorted(folder.glob('*.mp4')):
        truth = Truth(film.with_suffix('.json'))
        truth.write_boxes(film.with_suffix('.csv'), str(film))
        given = str(film.with_suffix('.csv')), detector
        for row, boxes in zip(rows.values(), given, strict=True):
            results = predict(predictor, film, boxes)
            row['bound'].append(bound(results, truth))
            for smooth in SMOOTHERS:
                tracked = track(predictor, results, smooth)
                row[smooth].append(errors(tracked, truth))
            row['IDF1'].append(idf1(tracked, truth))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('detector', help='the training folder of a detector')
    parser.add_argument('--model', required=True)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--films', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=8)
    parser.add_argument('--seed', type=int, default=7)
    args = parser.parse_args()
    predictor = PosePredictor(args.model, args.checkpoint, device='cpu')
    with tempfile.TemporaryDirectory() as folder:
        rows = report(Path(folder), predictor, args.detector, args.films, args.seconds, args.seed)
    for name, row in rows.items():
        mean, lowest, most = np.mean(row['IDF1']), min(row['IDF1']), np.mean(row['bound'])
        print(f'{name}: IDF1 {mean:.3f} (lowest {lowest:.3f}; perfect tracker {most:.3f})')
        for smooth in SMOOTHERS:
            raw, smoothed = np.concatenate(row[smooth]).mean(0)
            print(f'{name}: error of people {raw:.2f} px raw, {smoothed:.2f} px with {smooth}')


if __name__ == '__main__':
    main()
