"""Annotation files in COCO's form."""

import numpy as np

from vitpose_plus.datasets.checking.annotation_file import (
    MISSING,
    AnnotationFile,
    Picture,
    are_numbers,
    as_array,
    is_file_name,
    is_id,
    is_number,
)
from vitpose_plus.datasets.checking.findings import OTHER_LABELS, shortened
from vitpose_plus.datasets.checking.names import check_names, check_only_order
from vitpose_plus.datasets.regions import region_problem

FIELDS = ('bbox', 'keypoints')  # mmpose leaves out annotations that do not have both
LARGEST_AREA = 4  # times the area of the picture


class CocoStyleFile(AnnotationFile):
    """A file with ``images``, ``categories``, and ``annotations`` with bbox and keypoints."""

    PARTS = ('keypoints',)  # the fields of an annotation with its keypoints, in order

    def check(self, content: object) -> None:
        if not isinstance(content, dict):
            what = 'is not a dict of images, annotations and categories'
            self.wrong(what, hint=OTHER_LABELS)
            return
        for name in ('images', 'annotations'):
            if name not in content:
                self.wrong(f'has no {name}', hint=OTHER_LABELS)
        self._check_images(self.dicts(content.get('images', []), 'images'))
        annotations = self.dicts(content.get('annotations', []), 'annotations')
        self.num_annotations = len(annotations)
        categories = self._categories(content, [one for _, one in annotations])
        self._check_annotations(annotations, categories)
        if self.needs.whole_pictures and self.dataset.test_mode:
            self.used.update(self.pictures)

    def _check_images(self, images: list[tuple[str, dict]]) -> None:
        ids = set()
        for place, one in images:
            if not self.has_id(one, place, ids):
                continue
            name, size = one.get('file_name', MISSING), (one.get('width'), one.get('height'))
            if not is_file_name(name):
                self.wrong('has no file_name, or one that is not a text', f'image {one["id"]}')
                continue
            if not all(is_number(length) and length > 0 for length in size):
                title = f'image {one["id"]} ({shortened(size[0])}, {shortened(size[1])})'
                self.wrong('has no width and height, or they are not numbers above 0', title)
                size = None
            if self.needs.crowding and not is_number(one.get('crowdIndex')):
                self.wrong(
                    'has no number as crowdIndex, which the metric needs',
                    f'image {one["id"]}',
                )
            self.pictures[one['id']] = Picture(name, size)

    def _categories(self, content: dict, annotations: list[dict]) -> set[int] | None:
        """The ids of the categories; None if the file has no categories and needs none."""
        if 'categories' not in content:
            if self.needs.coco_metric or self.dataset.bbox_file:
                self.wrong('has no categories, which the metric needs')
            return None
        ids = set()
        in_use = {str(one.get('category_id')) for one in annotations if 'keypoints' in one}
        for place, one in self.dicts(content['categories'], 'categories'):
            if self.has_id(one, place, ids) and str(one['id']) in in_use:
                self._check_names(one)
        return ids

    def _check_names(self, category: dict) -> None:
        """Checks that the names of the keypoints are in the order of the metainfo."""
        check_names(self, category, self._known_names())

    def _known_names(self) -> list[str]:
        """The names of the metainfo that a category should have."""
        names = self.dataset.metainfo['keypoint_id2name']
        return [names[number] for number in range(self.num_keypoints)]

    def _check_annotations(
        self, annotations: list[tuple[str, dict]], categories: set[int] | None
    ) -> None:
        taken, used = set(), []
        for place, one in annotations:
            if not self.has_id(one, place, taken):
                continue
            title = f'annotation {one["id"]}'
            self._check_references(one, title, categories)
            if one['id'] < 0 and self.needs.coco_metric:
                self.wrong('has an id below 0, and the metric ignores such ids', title)
            self._check_values(one, title)
            missing = [name for name in FIELDS if name not in one]
            if not missing:
                used.append((title, one))
            elif self.needs.coco_metric:
                hint = 'add it, or remove the annotation from the file'
                self.wrong(f'has no {", ".join(missing)}, which the metric needs', title, hint)
            elif 'keypoints' in one:
                what = 'has keypoints but no bbox, and is left out'
                self.note(what, title, 'give it a bbox (x, y, width, height) to use it')
        if annotations and not used:
            missing = 'bbox' if any('keypoints' in one for _, one in annotations) else 'keypoints'
            self.wrong(
                f'has no annotation with {missing}: each needs bbox and keypoints',
                hint='write them into the file (new-dataset makes boxes from keypoints)',
            )
        self._check_numbers(used)

    def _check_references(self, one: dict, title: str, categories: set[int] | None) -> None:
        image, category = one.get('image_id', MISSING), one.get('category_id', MISSING)
        if not is_id(image):
            self.wrong('has an image_id that is not an integer', self._with(title, image))
        elif image in self.pictures:
            self.used.add(image)
        else:
            self.wrong('has an image_id that is not in the file', self._with(title, image))
        if not is_id(category):
            self.wrong('has a category_id that is not an integer', self._with(title, category))
        elif categories is not None and category not in categories:
            self.wrong('has a category_id that is not in the file', self._with(title, category))

    @staticmethod
    def _with(title: str, value: object) -> str:
        return f'{title} ({"missing" if value is MISSING else shortened(value)})'

    def _check_values(self, one: dict, title: str) -> None:
        """Checks the fields that are one number."""
        crowd, area = one.get('iscrowd', 0), one.get('area', MISSING)
        if not isinstance(crowd, int | float) or crowd not in (0, 1):
            self.wrong('has an iscrowd that is neither 0 nor 1', self._with(title, crowd))
        if area is MISSING:
            if self.needs.area:
                hint = 'add it (in pixels), or set use_area=False in the metric'
                self.wrong('has no area, which the metric needs', title, hint)
        elif not is_number(area) or area < 0:
            self.wrong('has an area that is not a number of 0 or more', self._with(title, area))
        number = one.get('num_keypoints', MISSING)
        if number is MISSING:
            if self.needs.crowding:
                self.wrong('has no num_keypoints, which the metric needs', title)
        elif not is_number(number) or number < 0 or number % 1:
            self.wrong('has a num_keypoints that is not an integer', self._with(title, number))

    def _check_numbers(self, used: list[tuple[str, dict]]) -> None:
        """Checks boxes, areas and keypoints, where their form is right."""
        boxed = [(title, one) for title, one in used if self._has_box(one, title)]
        wh, titles = self._sizes(boxed), [title for title, _ in boxed]
        self.check_boxes(as_array([one['bbox'] for _, one in boxed], 4), titles, wh)
        self._check_areas(boxed, wh)
        self._check_regions(boxed)
        poses = [(title, one) for title, one in used if self._has_keypoints(one, title)]
        rows = [[value for part in self.PARTS for value in one[part]] for _, one in poses]
        points = as_array(rows, 3 * self.num_keypoints).reshape(-1, self.num_keypoints, 3)
        titles = [title for title, _ in poses]
        self.check_keypoints(points, titles, self._sizes(poses))
        body = points[:, : len(poses[0][1]['keypoints']) // 3] if poses else points
        self._check_zeros(poses, body[..., 2])
        self._check_coordinates(poses, body)

    def _sizes(self, used: list[tuple[str, dict]]) -> np.ndarray:
        """Width and height of each annotation's picture, NaN if unknown; (N, 2)."""
        unknown = (np.nan, np.nan)
        return as_array([self._size(one) or unknown for _, one in used], 2)

    def _size(self, one: dict) -> tuple[int, int] | None:
        image = one.get('image_id')
        picture = self.pictures.get(image) if is_id(image) else None
        return picture and picture.size

    def _has_box(self, one: dict, title: str) -> bool:
        box = one['bbox']
        if are_numbers(box, 4):
            return True
        self.wrong('has a bbox that is not a list of four numbers', self._with(title, box))
        return False

    def _has_keypoints(self, one: dict, title: str) -> bool:
        for part in self.PARTS:
            if not are_numbers(one.get(part)):
                value = one.get(part, MISSING)
                self.wrong(f'has {part} that are not a list of numbers', self._with(title, value))
                return False
        number = sum(len(one[part]) for part in self.PARTS) / 3
        if number != self.num_keypoints:
            self.wrong(f'has {number:g} keypoints, not {self.num_keypoints}', title)
            return False
        return True

    def _check_areas(self, used: list[tuple[str, dict]], wh: np.ndarray) -> None:
        if not self.needs.area:
            return
        for (title, one), limit in zip(used, wh.prod(1) * LARGEST_AREA, strict=True):
            area = one.get('area', 0)
            if is_number(area) and area > limit:
                self.wrong('has an area larger than its picture', self._with(title, area))

    def _check_regions(self, used: list[tuple[str, dict]]) -> None:
        """Checks ``segmentation`` where whole pictures are read: some regions are masked."""
        if not self.needs.whole_pictures:
            return
        joined = {}  # image -> whether mmpose joins the lists of its annotations
        for title, one in used:
            size, region = self._size(one), one.get('segmentation')
            if size is None:
                continue
            if problem := region_problem(region, size):
                self.wrong(problem, title)
                continue
            of_lists = joined.setdefault(one['image_id'], isinstance(region, list))  # the first
            if of_lists and not np.iterable(region):
                hint = 'give [] if it has no region'
                self.wrong('has no segmentation, but others of its picture have one', title, hint)

    def _check_zeros(self, used: list[tuple[str, dict]], visible: np.ndarray) -> None:
        """With labelled keypoints, ``num_keypoints`` and ``area`` (if needed) must not be 0."""
        labelled = [used[row] for row in np.flatnonzero((visible > 0).any(1))]
        left_out = [title for title, one in labelled if one.get('num_keypoints', 1) == 0]
        what = 'has num_keypoints 0 but labelled keypoints, and would be left out'
        self.wrong_if_many(what, left_out, len(used))
        if self.needs.area:
            flat = [title for title, one in labelled if one.get('area', 1) == 0]
            what = 'has area 0 but labelled keypoints, which the metric would count as wrong'
            self.wrong_if_many(what, flat, len(used))

    def _check_coordinates(self, used: list[tuple[str, dict]], points: np.ndarray) -> None:
        """Checks that boxes and keypoints (N, K, 3) have the same coordinate system."""
        boxes = [one['bbox'] for _, one in used if are_numbers(one['bbox'], 4)]
        if not used or len(boxes) < len(used):
            return
        low, length = np.split(as_array(boxes, 4)[:, None], 2, axis=2)
        with np.errstate(invalid='ignore', over='ignore'):
            near = (np.abs(points[..., :2] - low - length / 2) <= length).all(2)  # twice the box
        labelled = points[..., 2] > 0
        apart = labelled.any(1) & ~(near & labelled).any(1)
        if apart.sum() * 2 > labelled.any(1).sum():
            titles = [used[row][0] for row in np.flatnonzero(apart)]
            what = 'has no labelled keypoint in its box, so their coordinate systems differ'
            self.findings.add_all(self.path, what, titles)


class OwnFieldsFile(CocoStyleFile):
    """A file of a dataset class that reads other fields: only ids and references are checked."""

    def _check_names(self, category: dict) -> None:
        check_only_order(self, category, self._known_names())

    def _check_annotations(
        self, annotations: list[tuple[str, dict]], categories: set[int] | None
    ) -> None:
        taken = set()
        for place, one in annotations:
            if self.has_id(one, place, taken):
                known = {'category_id': 1, **one} if categories is None else one
                self._check_references(known, f'annotation {one["id"]}', categories)


class WholeBodyFile(CocoStyleFile):
    """COCO-WholeBody's file, with a field for each part of the body."""

    PARTS = ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts')
    NUMBERS = (17, 6, 68, 21, 21)
    FRACTIONS = 'counts as visible'

    def _known_names(self) -> list[str]:
        """The names of the body: official files name no other keypoints."""
        return super()._known_names()[: self.NUMBERS[0]]

    def _has_keypoints(self, one: dict, title: str) -> bool:
        if not super()._has_keypoints(one, title):
            return False
        for part, number in zip(self.PARTS, self.NUMBERS, strict=True):
            if len(one[part]) != 3 * number:
                self.wrong(f'has {len(one[part]) / 3:g} keypoints in {part}, not {number}', title)
                return False
        return True
