"""Every kind of mistake in an annotation file has a message; harmless changes keep the score."""

import copy
import json
import math
import os

import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from tests.datasets.conftest import NAME, score
from vitpose_plus.datasets.checking import Needs, before_runs, check, check_dataset
from vitpose_plus.datasets.multi_dataset import unread
from vitpose_plus.errors import UserError

IMAGE = ('images', 0)
PERSON = ('annotations', 0)
CATEGORY = ('categories', 0)


def put(*path_and_value):
    """Sets the last argument at the place that is given by the other arguments."""
    *path, key, value = path_and_value

    def change(content):
        place = content
        for step in path:
            place = place[step]
        place[key] = value

    return change


def drop(*path):
    def change(content):
        place = content
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def everywhere(name, field, value):
    def change(content):
        for one in content[name]:
            one[field] = value

    return change


def without(name, field):
    def change(content):
        for one in content[name]:
            del one[field]

    return change


def exchanged(content):
    names = content['categories'][0]['keypoints']
    names[1], names[2] = names[2], names[1]


def corners(content):
    for one in content['annotations']:
        x, y, w, h = one['bbox']
        one['bbox'] = [x, y, x + w, y + h]


def twice(name):
    def change(content):
        content[name].append(copy.deepcopy(content[name][0]))

    return change


def shuffled(content):
    content['images'].reverse()
    content['categories'].append(dict(id=7, name='chair'))


def hidden(content):
    for one in content['annotations']:
        one['keypoints'][2::3] = [min(v, 1) for v in one['keypoints'][2::3]]


def left_out(content):
    content['images'].append(dict(id=9, file_name='none.jpg', width=5, height=5))


REFUSED = [
    (put('images', {}), 'has images that are not a list ({})'),
    (drop('annotations'), 'has no annotations'),
    (drop('categories'), 'has no categories, which the metric needs'),
    (put(*IMAGE, None), 'images[0] (None) is not a dict with fields of images'),
    (put(*PERSON, [1]), 'annotations[0] ([1]) is not a dict with fields of annotations'),
    # ids and references
    (twice('images'), 'images[3] (id 500001) has the same id as an earlier one'),
    (twice('annotations'), 'has the same id as an earlier one'),
    (twice('categories'), 'categories[1] (id 1) has the same id as an earlier one'),
    (put(*IMAGE, 'id', '500001'), "images[0] ('500001') has an id that is not an integer"),
    (put(*PERSON, 'id', True), 'annotations[0] (True) has an id that is not an integer'),
    (put(*PERSON, 'id', 1.0), 'annotations[0] (1.0) has an id that is not an integer'),
    (put(*PERSON, 'id', 2**63), 'has an id that is not an integer'),
    (drop(*PERSON, 'id'), 'annotations[0] has no id'),
    (put(*PERSON, 'image_id', 9), '(9) has an image_id that is not in the file'),
    (put(*PERSON, 'image_id', [1]), '([1]) has an image_id that is not an integer'),
    (put(*PERSON, 'category_id', 2), '(2) has a category_id that is not in the file'),
    (put(*PERSON, 'category_id', None), '(None) has a category_id that is not an integer'),
    (put(*CATEGORY, 'id', 3), '(1) has a category_id that is not in the file'),
    (put('categories', []), '(1) has a category_id that is not in the file'),
    # pictures
    (put(*IMAGE, 'file_name', 5), 'image 500001 has no file_name, or one that is not a text'),
    (put(*IMAGE, 'file_name', 'lost.jpg'), 'lost.jpg (row 0 of the pictures used in'),
    (put(*IMAGE, 'width', '377'), "('377', 285) has no width and height, or they are not numbers"),
    (put(*IMAGE, 'height', 0), 'has no width and height, or they are not numbers above 0'),
    (put(*IMAGE, 'height', math.nan), 'has no width and height, or they are not numbers above 0'),
    # keypoints
    (put(*PERSON, 'keypoints', [1, 2, 2] * 16), 'has 16 keypoints, not 17'),
    (put(*PERSON, 'keypoints', [1, 2, 2] * 16 + [1]), 'has 16.3333 keypoints, not 17'),
    (put(*PERSON, 'keypoints', None), '(None) has keypoints that are not a list of numbers'),
    (put(*PERSON, 'keypoints', 3, '5'), 'has keypoints that are not a list of numbers'),
    (put(*PERSON, 'keypoints', 3, True), 'has keypoints that are not a list of numbers'),
    (put(*PERSON, 'keypoints', 3, None), 'has keypoints that are not a list of numbers'),
    (put(*PERSON, 'keypoints', 3, math.inf), 'has a keypoint with a value that is not finite'),
    (put(*PERSON, 'keypoints', 3, math.nan), 'not finite: give x, y and visibility 0 to a missing'),
    (put(*PERSON, 'keypoints', 3, 10**400), 'has a keypoint with a value that is not finite'),
    (put(*PERSON, 'keypoints', 3, 1e12), '(keypoint 1: 1e+12, '),
    (put(*PERSON, 'keypoints', 4, -900), 'has a keypoint far outside of its picture'),
    (put(*PERSON, 'keypoints', 5, -1), 'has a visibility that is not 0, 1 or 2'),
    (put(*PERSON, 'keypoints', 5, 3), 'has a visibility that is not 0, 1 or 2'),
    (put(*PERSON, 'num_keypoints', 0), 'has num_keypoints 0 but labelled keypoints'),
    (put(*PERSON, 'num_keypoints', 'x'), "('x') has a num_keypoints that is not an integer"),
    (drop(*PERSON, 'keypoints'), 'has no keypoints, which the metric needs'),
    (exchanged, "keypoint 1 ('right_eye', in the metainfo 'left_eye') of category 1 is not in the"),
    # boxes and areas
    (without('annotations', 'bbox'), 'has no bbox, which the metric needs'),
    (put(*PERSON, 'bbox', [1, 2, 3]), '([1, 2, 3]) has a bbox that is not a list of four numbers'),
    (put(*PERSON, 'bbox', {}), '({}) has a bbox that is not a list of four numbers'),
    (put(*PERSON, 'bbox', 2, math.nan), 'has a box that is not finite'),
    (put(*PERSON, 'bbox', 2, -5), 'that is empty or not in its picture'),
    (put(*PERSON, 'bbox', 3, 0), 'that is empty or not in its picture'),
    (corners, 'that is empty or not in its picture'),
    (drop(*PERSON, 'area'), 'has no area, which the metric needs: add it (in pixels), or set'),
    (put(*PERSON, 'area', math.inf), '(inf) has an area that is not a number of 0 or more'),
    (put(*PERSON, 'area', True), '(True) has an area that is not a number of 0 or more'),
    (put(*PERSON, 'area', []), '([]) has an area that is not a number of 0 or more'),
    (put(*PERSON, 'area', 1e12), '(1000000000000.0) has an area larger than its picture'),
    (put(*PERSON, 'iscrowd', 0.5), '(0.5) has an iscrowd that is neither 0 nor 1'),
    (put(*PERSON, 'iscrowd', [0]), '([0]) has an iscrowd that is neither 0 nor 1'),
]

HARMLESS = [
    drop('info'),
    put('licenses', 5),
    put(*IMAGE, 'license', None),
    put(*PERSON, 'segmentation', 'not read by a top-down model'),
    put(*PERSON, 'comment', [1, {}]),
    put(*CATEGORY, 'skeleton', []),
    drop(*CATEGORY, 'keypoints'),
    put(*CATEGORY, 'keypoints', ['body']),
    without('annotations', 'iscrowd'),
    everywhere('annotations', 'iscrowd', False),
    without('annotations', 'num_keypoints'),
    shuffled,
    hidden,
    left_out,
]


def changed(scored, change):
    content = copy.deepcopy(scored.content)
    change(content)
    return content


@pytest.mark.parametrize(('change', 'phrase'), REFUSED, ids=[phrase for _, phrase in REFUSED])
def test_a_mistake_is_reported_in_one_sentence(scored, change, phrase):
    with pytest.raises(UserError) as error:
        score(scored, changed(scored, change))
    assert phrase in str(error.value)
    assert str(scored.root) in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('change', HARMLESS, ids=range(len(HARMLESS)))
def test_harmless_changes_keep_the_score(scored, change):
    assert score(scored, changed(scored, change)) == scored.score


def dataset_of(scored, content, **more):
    path = scored.root / NAME
    path.write_text(json.dumps(content))
    init_default_scope('mmpose')
    folder = dict(img=str(scored.root / 'coco/val2017'))
    return unread(dict(type='CocoDataset', ann_file=str(path), data_prefix=folder, **more))


def test_training_needs_less_than_the_metric(scored):
    for change in (without('annotations', 'area'), drop('categories')):
        assert check_dataset(dataset_of(scored, changed(scored, change)), Needs()) == []
    [note] = check_dataset(dataset_of(scored, changed(scored, drop(*PERSON, 'bbox'))), Needs())
    assert 'has keypoints but no bbox, and is left out: give it a bbox' in note
    message = 'no annotation with bbox: each needs bbox and keypoints: .*new-dataset makes boxes'
    with pytest.raises(UserError, match=message):
        check_dataset(dataset_of(scored, changed(scored, without('annotations', 'bbox'))), Needs())


def test_fractions_of_visibility_and_other_names_are_notes(scored):
    fraction = changed(scored, put(*PERSON, 'keypoints', 5, 0.25))
    [note] = check_dataset(dataset_of(scored, fraction), Needs())
    assert '(keypoint 1: 0.25) has a visibility between 0 and 1' in note
    names = changed(scored, put(*CATEGORY, 'keypoints', [f'k{i}' for i in range(17)]))
    [note] = check_dataset(dataset_of(scored, names), Needs())
    assert "keypoint 0 ('k0', metainfo: 'nose') of category 1 has another name (17 in tot" in note


@pytest.mark.parametrize(
    ('region', 'phrase'),
    [
        ([[1, 2, 3]], 'has an outline with an odd number of values'),
        (dict(size=[1, 2], counts=[2]), 'has run lengths of another size'),
        (5, 'has a segmentation that is neither outlines nor run lengths'),
        (None, 'has no segmentation, but others of its picture have one'),
    ],
)
def test_regions_are_checked_only_for_whole_pictures(scored, region, phrase):
    content = copy.deepcopy(scored.content)
    first, second, *_ = content['annotations']
    second.update(image_id=first['image_id'], segmentation=region)
    check_dataset(dataset_of(scored, content), Needs())
    with pytest.raises(UserError, match=phrase):
        check_dataset(dataset_of(scored, content, data_mode='bottomup'), Needs(whole_pictures=True))


@pytest.mark.parametrize(
    ('text', 'phrase'),
    [
        ('', 'cannot be read as JSON (JSONDecodeError'),
        ('[' * 100_000, 'cannot be read as JSON (RecursionError'),
        ('\ufeff{}', 'cannot be read as JSON (JSONDecodeError'),
        ('null', 'is not a dict of images, annotations and categories'),
        ('scorer,a\nbodyparts,snout\n', 'in other formats, new-dataset writes a COCO keypoint js'),
        ('[{"id": 1, "annotations": []}]', 'other formats, new-dataset writes a COCO keypoint js'),
        (
            '{"shapes": []}',
            'has no images: correct the file, or download or prepare it again; from',
        ),
    ],
)
def test_a_file_that_is_not_json(scored, text, phrase):
    dataset = dataset_of(scored, {})
    (scored.root / NAME).write_text(text)
    with pytest.raises(UserError) as error:
        check_dataset(dataset, Needs())
    assert phrase in str(error.value)


# -------------------------------------------------------------------------------- read only once


def test_a_file_that_has_passed_is_not_read_again(scored, monkeypatch):
    dataset = dataset_of(scored, changed(scored, put(*PERSON, 'keypoints', 5, 0.5)))
    read = []
    check = before_runs.check_annotations
    monkeypatch.setattr(
        before_runs, 'check_annotations', lambda *args: read.append(1) or check(*args)
    )
    notes = check_dataset(dataset, Needs())
    assert check_dataset(dataset, Needs()) == notes
    assert (len(read), len(notes)) == (1, 1)
    check_dataset(dataset, Needs(coco_metric=True))  # more fields are checked
    path = scored.root / NAME
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    check_dataset(dataset, Needs())
    monkeypatch.setattr(before_runs, '__version__', 'next')
    check_dataset(dataset, Needs())
    assert len(read) == 4


def test_missing_pictures_are_found_every_time(scored):
    dataset = dataset_of(scored, scored.content)
    check_dataset(dataset, Needs())
    picture = scored.root / 'coco/val2017/000000500002.jpg'
    picture.rename(scored.root / 'away.jpg')
    with pytest.raises(
        UserError, match=r'500002.jpg \(row 1 of the pictures used in .* is missing: put'
    ):
        check_dataset(dataset, Needs())
    (scored.root / 'away.jpg').rename(picture)


@pytest.mark.parametrize('content', ['', '[]', '{"notes": []}', '\0'])
def test_a_damaged_record_is_ignored(scored, monkeypatch, content):
    dataset = dataset_of(scored, scored.content)
    check_dataset(dataset, Needs())
    for file in before_runs.cache_folder().iterdir():
        file.write_text(content)
    assert check_dataset(dataset, Needs()) == []


def test_a_record_that_cannot_be_written_is_ignored(scored, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', '/dev/null')
    assert check_dataset(dataset_of(scored, scored.content), Needs()) == []


# --------------------------------------------------------------------------------------- pictures


def exif(turn):
    data = Image.Exif()
    data[0x0112] = turn
    return data


def report_of(scored, content):
    def every(rows):
        return rows

    return check(dataset_of(scored, content), Needs(), None, True, every)


@pytest.fixture
def picture(scored):
    """The path of the first picture, which is restored after the test."""
    path = scored.root / 'coco/val2017/000000500001.jpg'
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


@pytest.mark.parametrize('turn', [2, 3, 6, 8])
def test_the_size_after_loading_is_compared(scored, picture, turn):
    """A picture of 377 x 285 pixels is stored such that it is turned when it is loaded."""
    with Image.open(picture) as image:
        image.save(picture, exif=exif(turn))
    findings = report_of(scored, scored.content).findings
    if turn in (6, 8):
        [problem] = findings.problems
        assert '(285x377, not 377x285) is turned by its EXIF orientation when it is' in str(problem)
        size = dict(width=285, height=377)
        turned = changed(scored, lambda content: content['images'][0].update(size))
        findings = report_of(scored, turned).findings
        assert not [p for p in findings.problems if 'orientation' in str(p)]
    [note] = findings.notes
    assert 'is turned by its EXIF orientation when it is loaded' in str(note)


@pytest.mark.parametrize('mode', ['L', 'CMYK', 'P', 'RGBA', 'I;16'])
def test_kinds_of_pictures_that_training_reads(scored, picture, mode):
    ending = 'JPEG' if mode in ('L', 'CMYK') else 'PNG'
    Image.new(mode, (377, 285)).save(picture, ending)
    assert report_of(scored, scored.content).findings.problems == []


def test_a_picture_beyond_the_limit_of_pillow(scored, picture, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    assert report_of(scored, scored.content).findings.problems == []


def test_a_picture_that_only_pillow_reads(scored, picture):
    Image.new('RGB', (377, 285)).save(picture, 'PCX')
    [problem] = report_of(scored, scored.content).findings.problems
    assert 'cannot be read by OpenCV, which training uses' in str(problem)


def test_all_kinds_are_reported_with_counts(scored):
    content = changed(scored, everywhere('annotations', 'area', None))
    content['images'][0]['width'] = None
    content['annotations'][0]['keypoints'][2::3] = [-1] * 17
    findings = report_of(scored, content).findings
    counts = {finding.what: finding.count for finding in findings.problems}
    number = len(content['annotations'])
    assert counts['has an area that is not a number of 0 or more'] == number
    assert len(counts) == 3
    [areas] = [finding for finding in findings if finding.count == number]
    assert len(areas.examples) == 3
