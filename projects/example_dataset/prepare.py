"""Writes labels of the example as a labelling tool does: seven keypoints of synthetic animals.

For your own data, the labelling tool writes this file.
"""

import json
import sys
from itertools import chain
from pathlib import Path

KEPT = [2, 3, 4, 7, 10, 13, 16]  # AP-10K's nose, neck, root of tail and four paws
NAMES = ['nose', 'neck', 'tail', 'left_fore', 'right_fore', 'left_hind', 'right_hind']
LINKS = [(1, 2), (2, 3), (2, 4), (2, 5), (3, 6), (3, 7)]  # numbers from 1, as in COCO's files


def main(figures: str = 'work_dirs/example_dataset') -> None:
    annotations = Path(figures) / 'ap10k' / 'annotations' / 'ap10k-train-split1.json'
    data = json.loads(annotations.read_text())
    for animal in data['annotations']:
        points = [animal['keypoints'][3 * i : 3 * i + 3] for i in KEPT]
        animal['keypoints'] = list(chain.from_iterable(points))
        animal['num_keypoints'] = sum(v > 0 for _, _, v in points)
        animal['category_id'] = 1
    data['categories'] = [dict(id=1, name='zebra', keypoints=NAMES, skeleton=LINKS)]
    (Path(figures) / 'zebra.json').write_text(json.dumps(data))


if __name__ == '__main__':
    main(*sys.argv[1:])
