"""Prints how well the measures of ``--quality`` rank the errors of keypoints (docs/predict.md).

    python benchmarks/quality.py --model CONFIG --checkpoint FILE

The pictures are synthetic, with several people and animals and with true boxes. Their seed is not
the seed of the training, and not the seed with which the measures were developed. The error is the
distance of a labelled keypoint from the truth. The table has Spearman's rank correlation with the
error in pixels. A large box has large errors and large measures. Therefore the table also has the
rank correlation of errors and measures that are divided by the longer side of the box. The last
column is the area under the ROC curve (AUROC) of the divided measures, for errors above 10 % of
this side. The score is never divided.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu, spearmanr

from vitpose_plus import PosePredictor
from vitpose_plus.datasets.figures import write_figures
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.quality import MEASURES

NUMBER = 120  # pictures
FILES = dict(people='coco', animals='ap10k')  # file of the annotations -> dataset
LARGE = 0.1  # of the longer side of the box
HEADER = ('figures', 'keypoints', 'large errors', 'measure')
HEADER += ('rank correlation: pixels', 'relative to the box', 'AUROC')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', required=True)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--flip-test', action='store_true')
    parser.add_argument('--seed', type=int, default=11)
    args = parser.parse_args()
    predictor = PosePredictor(
        args.model, args.checkpoint, device='cpu', flip_test=args.flip_test, quality=True
    )
    with tempfile.TemporaryDirectory() as folder:
        write_figures(folder, num_train=1, num_val=NUMBER, seed=args.seed)
        print(f'| {" | ".join(HEADER)} |\n| --- | ---: | ---: | --- | ---: | ---: | ---: |')
        for name, dataset in FILES.items():
            report(predictor, Path(folder) / 'mixed', name, dataset)


def report(predictor: PosePredictor, folder: Path, name: str, dataset: str) -> None:
    """Prints the rows of one class of figures."""
    annotations = folder / 'annotations' / f'{name}_val.json'
    rows = np.concatenate(list(rows_of(predictor, folder / 'val', annotations, dataset)), axis=1)
    errors, sides, scores, *measures = rows
    is_large = errors > LARGE * sides
    ranked = {'1 - score': (1 - scores, 1 - scores)}
    for key, values in zip(MEASURES, measures, strict=True):
        ranked[f'`{key}`'] = values, values / sides
    for key, (values, relative) in ranked.items():
        ranks = spearmanr(values, errors).statistic, spearmanr(relative, errors / sides).statistic
        pairs = is_large.sum() * (~is_large).sum()
        area = mannwhitneyu(relative[is_large], relative[~is_large]).statistic / pairs
        cells = [f'{value:.2f}' for value in (*ranks, area)]
        print('|', ' | '.join([name, str(len(errors)), f'{is_large.mean():.1%}', key, *cells]), '|')


def rows_of(
    predictor: PosePredictor, pictures: Path, annotations: Path, dataset: str
) -> Iterator[np.ndarray]:
    """Yields error, side of the box, score, flip distance and spread (5, N) of each figure."""
    truth = defaultdict(list)
    for each in json.loads(annotations.read_text())['annotations']:
        truth[each['image_id']].append(each)
    missing = []  # pictures without figures of this class
    results = predictor(str(pictures), str(annotations), dataset=dataset, on_failure=missing.append)
    for result in results:
        for instance in result.instances:
            own = min(truth[result.image_id], key=partial(distance, instance))
            yield row_of(instance, np.reshape(own['keypoints'], (-1, 3)))


def distance(instance: Instance, annotation: dict) -> float:
    """The distance between the boxes, which is 0 for the figure of the instance."""
    x, y, width, height = annotation['bbox']
    return np.abs(instance.box - [x, y, x + width, y + height]).sum()


def row_of(instance: Instance, true: np.ndarray) -> np.ndarray:
    """The values (5, N) of the N labelled keypoints; ``true`` is x, y and visibility (K, 3)."""
    errors = np.linalg.norm(instance.keypoints - true[:, :2], axis=1)
    sides = np.full(len(true), (instance.box[2:] - instance.box[:2]).max())
    values = errors, sides, instance.scores, instance.flip_distance, instance.spread
    return np.stack(values)[:, true[:, 2] > 0]


if __name__ == '__main__':
    main()
