"""Writes frames of synthetic films as pictures with boxes, to train the detector on them.

In films, figures are larger than in the set ``mixed``, hide each other more, and are cut off by the
border of the picture when they enter and leave.
"""

from pathlib import Path

from vitpose_plus.datasets.figures.categories import BOX_CATEGORIES, box_categories
from vitpose_plus.datasets.figures.coco_style import rounded, write_image, write_json
from vitpose_plus.datasets.figures.film_writing import SIZE
from vitpose_plus.datasets.figures.films import Film
from vitpose_plus.datasets.figures.rates import TICKS
from vitpose_plus.datasets.figures.tracked import Tracked

ROOT = Path('work_dirs/demo/frames')
SEED = 0  # benchmarks/films.py uses films of other seeds
FILMS = 240
TIMES = (0, 1.5, 3, 4.5, 6, 7.5)  # of the frames, in seconds
VISIBLE = 0.2  # the least visible share of a figure that gets a box
MIN_SIDE = 8  # of a box, in pixels; parts of figures at the border can be smaller


def write_frames(root: Path, films: int) -> None:
    """Writes ``root/train`` with the frames of each film, and ``root/boxes_train.json``."""
    images, annotations = [], []
    for index in range(films):
        film = Film(SEED, index, SIZE)
        for time in TIMES:
            frame = film.draw(len(images), time * TICKS)
            name = f'{frame.number:06d}.jpg'
            write_image(root / 'train' / name, frame.image)
            width, height = SIZE
            images.append(dict(id=frame.number, file_name=name, width=width, height=height))
            for tracked in filter(_has_box, frame.figures):
                place = dict(id=len(annotations), image_id=frame.number)
                annotations.append(place | _annotation(tracked))
    content = dict(images=images, annotations=annotations, categories=box_categories())
    write_json(root / 'boxes_train.json', content)


def _has_box(tracked: Tracked) -> bool:
    return tracked.visible >= VISIBLE and min(tracked.box[2:]) >= MIN_SIDE


def _annotation(tracked: Tracked) -> dict:
    box = tracked.box
    return dict(
        category_id=BOX_CATEGORIES[tracked.kind.name],
        bbox=rounded(box),
        area=round(float(box[2] * box[3]), 2),
        iscrowd=0,
    )


if __name__ == '__main__':
    write_frames(ROOT, FILMS)
