"""Measures a table of docs/predict.md: ``python benchmarks/predict.py DETECTOR [--model FOLDER]``.

The pictures are synthetic and show several people and animals. Their seed is not the seed of the
training. The table has the average precision of keypoints in true boxes and in detected boxes. All
datasets are predicted in one pass, or each dataset alone. The table also has pictures and instances
per second.
"""

import argparse
import json
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

from vitpose_plus.commands import main as vitpose
from vitpose_plus.datasets.figures import write_figures

SEED = 7
NUMBER = 120  # pictures
# Class of a box -> dataset of its keypoints, and name of the file with the true keypoints.
CLASSES = dict(person=('coco', 'people'), animal=('ap10k', 'animals'))
TOGETHER = ','.join(f'{label}={name}' for label, (name, _) in CLASSES.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('detector', help='the training folder of a detector')
    parser.add_argument('--model', default='work_dirs/demo', help='as for predict')
    parser.add_argument('--checkpoint', help='as for predict')
    args = parser.parse_args()
    model = ['--model', args.model, *(['--checkpoint', args.checkpoint] * bool(args.checkpoint))]
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder), args.detector, model)


def report(folder: Path, detector: str, model: list[str]) -> dict[str, dict[str, float]]:
    """Prints the table, and returns the average precision by row and class.

    Pictures and predictions are written into ``folder``.
    """
    write_figures(folder / 'figures', num_train=1, num_val=NUMBER, seed=SEED)
    annotations = folder / 'figures' / 'mixed' / 'annotations'
    pictures = str(folder / 'figures' / 'mixed' / 'val')
    true_boxes = str(annotations / 'boxes_val.json')
    runs = {
        'true boxes': (true_boxes, TOGETHER),
        'detected boxes': (detector, TOGETHER),
        **{
            f'detected boxes, {label} alone': (detector, f'{label}={name}')
            for label, (name, _) in CLASSES.items()
        },
    }
    rows, speeds = {}, {}
    for row, (boxes, dataset) in runs.items():
        out = folder / row.replace(' ', '_')
        words = [pictures, *model, '--boxes', boxes, '--dataset', dataset, '--out', str(out)]
        vitpose(['predict', *words, '--format', 'coco', '--no-draw'])
        rows[row] = {
            label: average_precision(out, annotations / f'{file}_val.json', name)
            for label, (name, file) in CLASSES.items()
            if name in dataset
        }
        manifest = json.loads((out / 'manifest.json').read_text())
        speeds[row] = [manifest[key] / manifest['seconds'] for key in ('pictures', 'instances')]
    print('| boxes | people, AP | animals, AP | pictures/s | instances/s |')
    print('| --- |' + ' ---: |' * 4)
    for row, found in rows.items():
        scores = [f'{found[label]:.3f}' if label in found else '' for label in CLASSES]
        print(
            f'| {row} | {" | ".join(scores)} | ' + ' | '.join(f'{s:.1f}' for s in speeds[row]), '|'
        )
    return rows


def average_precision(out: Path, annotations: Path, dataset: str) -> float:
    """COCO's AP of the keypoints of one dataset in a folder of predictions, over all species."""
    lines = [json.loads(line) for line in (out / 'predictions.ndjson').open()]
    images = {Path(line['source']).name: line.get('image_id', i) for i, line in enumerate(lines, 1)}
    content = json.loads(annotations.read_text())
    numbers = {image['id']: images[Path(image['file_name']).name] for image in content['images']}
    for image in content['images']:
        image['id'] = numbers[image['id']]
    for annotation in content['annotations']:
        annotation |= dict(image_id=numbers[annotation['image_id']], category_id=1)
    content['categories'] = content['categories'][:1]
    content['categories'][0]['id'] = 1  # all species count as one
    manifest = json.loads((out / 'manifest.json').read_text())
    number = list(manifest['datasets']).index(dataset) + 1  # the true boxes have the same numbers
    found = json.loads((out / 'predictions.coco.json').read_text())
    found = [each | dict(category_id=1) for each in found if each['category_id'] == number]
    with redirect_stdout(StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        metainfo = parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{dataset}.py'))
        evaluation = COCOeval(
            truth, truth.loadRes(found), 'keypoints', np.array(metainfo['sigmas'])
        )
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


if __name__ == '__main__':
    main()
