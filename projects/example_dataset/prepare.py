"""Writes the annotation files of the example: seven keypoints of the synthetic animals.

You do not need such a script if your own data has a COCO-style file.
"""

import json
import sys
from itertools import chain
from pathlib import Path

KEPT = [2, 3, 4, 7, 10, 13, 16]  # AP-10K's nose, neck, root of tail and four paws


def main(figures: str = 'work_dirs/example_dataset') -> None:
    folder = Path(figures) / 'ap10k' / 'annotations'
    for split in ('train', 'val'):
        data = json.loads((folder / f'ap10k-{split}-split1.json').read_text())
        for animal in data['annotations']:
            points = [animal['keypoints'][3 * i : 3 * i + 3] for i in KEPT]
            animal['keypoints'] = list(chain.from_iterable(points))
            animal['num_keypoints'] = sum(v > 0 for _, _, v in points)
        (folder / f'zebra-{split}.json').write_text(json.dumps(data))


if __name__ == '__main__':
    main(*sys.argv[1:])
