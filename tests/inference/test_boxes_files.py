"""Boxes from files and arrays are the same as in a test; wrong ones raise one sentence."""

import contextlib
import copy
import io
import json

import numpy as np
import pytest
from mmpose.registry import DATASETS

from tests.helpers.detectors import boxes_of, picture
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes import open_boxes

WH = (64, 48)
AIC = 'ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911'
# Dataset class, annotation file, folder of pictures.
DATASETS_OF_TESTS = {
    'coco': ('CocoDataset', 'coco/annotations/person_keypoints_val2017.json', 'coco/val2017'),
    'coco_wholebody': (
        'CocoWholeBodyDataset',
        'coco/annotations/coco_wholebody_val_v1.0.json',
        'coco/val2017',
    ),
    'aic': ('AicDataset', 'aic/annotations/aic_val.json', f'aic/{AIC}'),
    'mpii': ('ZeroBasedMpiiDataset', 'mpii/annotations/mpii_val.json', 'mpii/images'),
    'ap10k': ('AP10KDataset', 'ap10k/annotations/ap10k-val-split1.json', 'ap10k/data'),
    'apt36k': ('APT36KDataset', 'apt36k/annotations/val_annotations_1.json', 'apt36k'),
}
DETECTIONS = 'coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json'


def instances(figures, name, **options):
    """The content of a dataset in a test: path of a picture -> infos of its instances."""
    kind, file, folder = DATASETS_OF_TESTS[name]
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = DATASETS.build(
            dict(
                type=kind,
                ann_file=str(figures / file),
                data_prefix=dict(img=str(figures / folder)),
                test_mode=True,
                pipeline=[],
                **options,
            )
        )
    infos = {}
    for row in range(len(dataset)):
        info = dataset.get_data_info(row)
        infos.setdefault(info['img_path'], []).append(info)
    return infos


def read(path):
    import cv2

    return cv2.imread(str(path))


def given(source, path):
    [boxes] = source.boxes([picture(str(path))], [read(path)])
    return boxes


@pytest.mark.parametrize('name', DATASETS_OF_TESTS)
def test_true_boxes_are_the_same_as_in_a_test(figures, name):
    source = open_boxes(figures / DATASETS_OF_TESTS[name][1])
    for path, infos in instances(figures, name).items():
        boxes = given(source, path)
        assert boxes.xyxy.dtype == np.float32
        np.testing.assert_array_equal(boxes.xyxy, np.concatenate([one['bbox'] for one in infos]))
        np.testing.assert_array_equal(boxes.scores, 1)
        assert boxes.image_id == infos[0]['img_id']
        assert boxes.category_ids == [int(np.ravel(one['category_id'])[0]) for one in infos]
        assert set(boxes.labels) <= set(source.labels)
        for fields, info in zip(boxes.fields, infos, strict=True):
            for field in ('bbox_center', 'bbox_scale') if name == 'mpii' else ():
                np.testing.assert_array_equal(fields[field], info[field])


def test_detected_boxes_are_the_same_as_in_a_test(figures):
    annotations = figures / DATASETS_OF_TESTS['coco'][1]
    source = open_boxes(figures / DETECTIONS, str(annotations))
    assert source.labels == ('person',)
    infos = instances(figures, 'coco', bbox_file=str(figures / DETECTIONS))
    assert infos
    for path, of_picture in infos.items():
        boxes = given(source, path)
        for name, values in (('bbox', boxes.xyxy), ('bbox_score', boxes.scores)):
            expected = np.concatenate([one[name] for one in of_picture])
            np.testing.assert_array_equal(values, expected)
        assert set(boxes.labels) == {'person'}
        assert boxes.image_id == of_picture[0]['img_id']
    # Without annotations, the number in the picture's name is used; the classes have no names.
    path = next(iter(infos))
    by_number = given(open_boxes(figures / DETECTIONS), path)
    np.testing.assert_array_equal(by_number.xyxy, given(source, path).xyxy)
    assert set(by_number.labels) == {None}
    assert set(by_number.category_ids) == {1}


IMAGES = [
    dict(id=7, file_name='a/1.jpg', width=WH[0], height=WH[1]),
    dict(id=8, file_name='b/2.jpg', width=WH[0], height=WH[1]),
]
FILE = dict(
    images=IMAGES,
    categories=[dict(id=1, name='person'), dict(id=5, name='dog')],
    annotations=[
        dict(id=1, image_id=7, category_id=5, bbox=[10, 5, 20, 30]),
        dict(id=2, image_id=7, category_id=1, bbox=[-5, 40, 20, 30]),
        dict(id=3, image_id=7, category_id=1, bbox=[0, 0, 9, 9], iscrowd=1),
    ],
)
LIST = [
    dict(image_id=7, category_id=5, bbox=[10, 5, 20, 30], score=0.9),
    dict(image_id=7, category_id=18, bbox=[-5, 40, 20, 30], score=0.2),
]


@pytest.fixture
def written(tmp_path):
    """A function that writes a value as JSON, or writes a text unchanged."""

    def write(content, name='boxes.json'):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_annotations_need_no_keypoints(written):
    """Boxes are clipped as in mmpose, and the crowd region is left out."""
    source = open_boxes(written(FILE))
    boxes, empty = boxes_of(source, picture('photos/a/1.jpg'), picture('photos/b/2.jpg'))
    np.testing.assert_array_equal(boxes.xyxy, [[10, 5, 30, 35], [0, 40, 15, 47]])
    assert (boxes.labels, boxes.category_ids, boxes.image_id) == (['dog', 'person'], [5, 1], 7)
    assert (empty.xyxy.shape, empty.labels, empty.image_id) == ((0, 4), [], 8)
    assert source.labels == ('person', 'dog')


def test_annotations_need_no_categories(written):
    """InterHand2.6M's files have no categories."""
    one = dict(id=1, image_id=7, bbox=[10, 5, 20, 30])
    source = open_boxes(written(dict(images=IMAGES, annotations=[one])))
    [boxes] = boxes_of(source, picture('a/1.jpg'))
    np.testing.assert_array_equal(boxes.xyxy, [[10, 5, 30, 35]])
    assert (boxes.labels, source.labels) == ([None], ())


def test_detections_are_not_clipped_to_the_picture(written):
    """This is the same in mmpose. A category without a name in the annotations gets its number."""
    annotations = {key: FILE[key] for key in ('images', 'categories')}  # as in COCO's test-dev
    source = open_boxes(written(LIST), str(written(annotations, 'images.json')))
    boxes, empty = boxes_of(source, picture('1.jpg'), picture('b/2.jpg'))
    np.testing.assert_array_equal(boxes.xyxy, [[10, 5, 30, 35], [-5, 40, 15, 70]])
    np.testing.assert_allclose(boxes.scores, [0.9, 0.2], rtol=1e-6)
    assert boxes.labels == ['dog', 'category 18'] == list(source.labels)
    assert empty.xyxy.shape == (0, 4)


CSV = """\ufefflabel, y1,x1,x2,y2,score,Source,note
dog,5,10,30,35,0.5,a/1.jpg,"x, y"
,40,-5,15,70,,a/1.jpg,

,,,,,,b/2.jpg,
"""


def test_columns_of_csv_may_be_in_any_order(written):
    source = open_boxes(written(CSV, 'boxes.csv'))
    boxes, empty = boxes_of(source, picture('a/1.jpg'), picture('2.jpg'))
    np.testing.assert_array_equal(boxes.xyxy, [[10, 5, 30, 35], [-5, 40, 15, 70]])
    np.testing.assert_array_equal(boxes.scores, [0.5, 1])
    assert boxes.labels == ['dog', None]
    assert source.labels == ('dog',)
    assert empty.xyxy.shape == (0, 4)


def test_arrays_are_given_by_the_pictures_names():
    arrays = {'a/1.jpg': [[10, 5, 30, 35, 0.5]], 'a/2.jpg': np.array([[1, 2, 3, 4]]), 'b/3.jpg': []}
    source = open_boxes(arrays)
    one, two, empty = boxes_of(source, *(picture(name) for name in arrays))
    np.testing.assert_array_equal(one.xyxy, [[10, 5, 30, 35]])
    np.testing.assert_array_equal([*one.scores, *two.scores], [0.5, 1])
    np.testing.assert_array_equal(two.xyxy, [[1, 2, 3, 4]])
    assert empty.xyxy.shape == (0, 4)
    assert open_boxes(source) is source


def test_whole_is_the_whole_picture():
    small, large = boxes_of(open_boxes('whole'), picture('1.jpg'), picture('2.jpg', (99, 31)))
    np.testing.assert_array_equal(small.xyxy, [[0, 0, 64, 48]])
    np.testing.assert_array_equal(large.xyxy, [[0, 0, 99, 31]])
    assert (small.labels, small.scores.tolist()) == ([None], [1])


# Names in the file, and source of a picture -> name of its entry.
MATCHED = [
    (('a/1.jpg', 'b/1.jpg'), {'a/1.jpg': 'a/1.jpg', 'x/b/1.jpg': 'b/1.jpg'}),
    (('1.jpg', '2.jpg'), {'/data/x/1.jpg': '1.jpg', './2.jpg': '2.jpg'}),
    (('/old/train/a/1.jpg', '/old/train/b/1.jpg'), {'new/a/1.jpg': '/old/train/a/1.jpg'}),
    (('C:\\photos\\a\\1.jpg', 'C:\\photos\\b\\1.jpg'), {'a/1.jpg': 'C:\\photos\\a\\1.jpg'}),
    (('Zoe\u0301.jpg',), {'x/Zo\u00e9.jpg': 'Zoe\u0301.jpg'}),
    (('1.jpg', 'a/1.jpg'), {'a/1.jpg': 'a/1.jpg', 'b/1.jpg': '1.jpg'}),
]


@pytest.mark.parametrize(('names', 'found'), MATCHED)
def test_a_picture_is_found_by_the_end_of_its_path(names, found):
    source = open_boxes({name: [[0, 0, 10, 10 + row]] for row, name in enumerate(names)})
    for boxes, name in zip(
        boxes_of(source, *(picture(name) for name in found)), found.values(), strict=True
    ):
        assert boxes.xyxy[0, 3] == 10 + names.index(name)


def changed(key, **changes):
    """FILE with a changed first element of a list; fields with the value None are removed."""
    content = copy.deepcopy(FILE)
    one = content[key][0] | changes
    content[key][0] = {name: value for name, value in one.items() if value is not None}
    return content


def detection(**changes):
    one = LIST[0] | changes
    return [{name: value for name, value in one.items() if value is not None}]


PERSON = dict(image='000000007.jpg', center=[30, 20], scale=0.2)
HEADER = 'source,x1,y1,x2,y2\n'
# Content of a file, part of the message. JSON does not have NaN, but Python writes it.
BAD_JSON = [
    ('', r'cannot be read as JSON \(JSONDecodeError: Expecting value'),
    ('{', 'cannot be read as JSON'),
    ('[' * 100000, r'cannot be read as JSON \(RecursionError'),
    ('{"a": 1}\n{"a": 2}', r'cannot be read as JSON \(JSONDecodeError: Extra data'),
    ([], 'is not a list of detections, each with image_id, category_id, bbox, score: correct'),
    (5, 'is not a dict of images, annotations and categories'),
    ('null', 'is not a dict of images, annotations and categories'),
    ({}, 'has no images'),
    (dict(images=IMAGES), 'has no annotations'),
    (['a.jpg'], r"detection 0 \('a.jpg'\) is not a dict"),
    (detection(score=None), 'detection 0 has no score'),
    (detection(bbox=None), 'detection 0 has no bbox'),
    (detection(image_id='7'), 'detection 0 .* has an image_id or category_id that is not an '),
    (detection(bbox=[1, 2, 3]), r'detection 0 \(\[1, 2, 3\]\) has a bbox that is not a list of '),
    (detection(bbox=[1, 2, '3', 4]), 'detection 0 .* has a bbox that is not a list of four '),
    (detection(bbox=[1, 2, float('nan'), 4]), 'image 7 .* or one that is not finite'),
    (detection(bbox=[1, 2, float('inf'), 4]), 'image 7 .* or one that is not finite'),
    (detection(bbox=[1, 2, -3, 4]), 'image 7 .* without width and height'),
    (detection(bbox=[1, 2, 0, 0]), 'image 7 .* without width and height'),
    (detection(score=float('nan')), r'detection 0 \(nan\) has a score that is not a finite number'),
    (changed('annotations', bbox=[1, 2, 3]), r'annotation 1 .* has a bbox that is not a list of '),
    (changed('annotations', bbox=[1, 2, float('nan'), 4]), 'annotation 1 .* has a box that is not'),
    (changed('annotations', image_id=9), r'annotation 1 \(9\) has an image_id that is not in the'),
    (changed('annotations', category_id=9), r'annotation 1 \(9\) has a category_id that is not in'),
    (changed('annotations', keypoints=[1, 2]), 'annotation 1 .* has keypoints that are not a list'),
    (changed('annotations', iscrowd='no'), 'annotation 1 .* has an iscrowd that is neither'),
    (changed('images', file_name=5), 'image 7 has no file_name, or one that is not a text'),
    (changed('images', width=None), 'image 7 .* has no width and height, or they are not'),
    (changed('images', file_name='b/2.jpg'), r'two images with the name b/2.jpg \(ids 7 and 8\)'),
    (dict(FILE, annotations=[dict(id=1, image_id=7, category_id=1)]), 'has no annotation with a '),
    ([PERSON | dict(center='left')], 'entry 0 .* has no center that is two numbers'),
    ([PERSON], 'entry 0 .* has no joints that is a list of x and y'),
]
BAD_CSV = [
    ('', 'has no column source, x1, y1, x2, y2 in its first line'),
    ('a.jpg,1,2,3,4\n', 'has no column source, x1'),
    ('source;x1;y1;x2;y2\n', 'has no column source, x1, .*with commas between them'),
    ('source,x1,y1,x2\n', 'has no column y2 in its first line'),
    ('source,image,x1,y1,x2,y2\n', 'has the columns source and image: keep one of them'),
    ('source,x1,x1,y1,x2,y2\n', 'has the columns x1 twice: keep one of them'),
    (HEADER, 'has no rows'),
    (f'{HEADER}a.jpg,1,2,3\n', r'has too few cells in line 2 \(4\)'),
    (f'{HEADER},1,2,3,4\n', 'names no picture in line 2'),
    (f'{HEADER}a.jpg,1,2,3,4\na.jpg,1,b,3,4\n', "has 'b', not a number, in line 3"),
    (f'{HEADER}a.jpg,1,,3,4\n', 'has an empty cell, not a number, in line 2'),
    (f'{HEADER}a.jpg,1,2,nan,4\n', 'has a box with a number that is not finite in line 2'),
    (f'{HEADER}a.jpg,1,2,1e300,4\n', 'has a box with a number that is not finite in line 2'),
    (f'{HEADER}a.jpg,1,2,1,4\n', r'has a box without width and height \(x2 > x1, y2 > y1\) in'),
    (f'{HEADER}a.jpg,9,2,1,4\n', 'has a box without width and height'),
    (f'{HEADER}"a.jpg,1,2,3,4\n', r'cannot be read as csv \(Error: unexpected end'),
]


@pytest.mark.parametrize(
    ('content', 'name', 'sentence'),
    [(content, 'boxes.json', sentence) for content, sentence in BAD_JSON]
    + [(content, 'boxes.csv', sentence) for content, sentence in BAD_CSV],
)
def test_a_bad_file_raises_one_sentence(written, content, name, sentence):
    path = written(content, name)
    with pytest.raises(UserError, match=sentence) as error:
        open_boxes(path)
    assert str(error.value).startswith(str(path))
    assert '\n' not in str(error.value)


def test_a_binary_file_raises_one_sentence(tmp_path):
    for name, sentence in (('b.json', 'read as JSON'), ('b.csv', 'read as csv .*in UTF-8')):
        (tmp_path / name).write_bytes(b'\xff\xfe\x00\x81')
        with pytest.raises(UserError, match=f'{name} cannot be {sentence}'):
            open_boxes(tmp_path / name)


BAD_ARRAYS = [
    ({}, 'The mapping of boxes is empty'),
    ({'a.jpg': 5}, r'has no array of shape \(N, 4\) or \(N, 5\) for a.jpg'),
    ({'a.jpg': [1, 2, 3, 4]}, r'has no array of shape \(N, 4\) or \(N, 5\) for a.jpg'),
    ({'a.jpg': [[1, 2, 3]]}, r'has no array of shape \(N, 4\) or \(N, 5\) for a.jpg'),
    ({'a.jpg': [['b', 2, 3, 4]]}, r'has no array of shape \(N, 4\) or \(N, 5\) for a.jpg'),
    ({'a.jpg': [[1, 2, 3, np.nan]]}, r'not finite for a.jpg \(row 0: \[1, 2, 3, nan\]\)'),
    ({'a.jpg': [[0, 0, 1, 1], [5, 2, 3, 4]]}, r'without width and height .* a.jpg \(row 1'),
    (5, 'Boxes are given as int: give a name, a file, a folder, or a mapping'),
]


@pytest.mark.parametrize(('arrays', 'sentence'), BAD_ARRAYS)
def test_bad_arrays_raise_one_sentence(arrays, sentence):
    with pytest.raises(UserError, match=sentence):
        open_boxes(arrays)


# Boxes, sources of pictures, part of the message.
A = {'a/1.jpg': [[0, 0, 5, 5]], 'b/1.jpg': [[0, 0, 5, 5]], '2.jpg': [[70, 0, 80, 5]]}
UNMATCHED = [
    (A, ['3.jpg'], 'The mapping of boxes does not name the picture 3.jpg: add it there'),
    (A, ['1.jpg'], 'names a/1.jpg and b/1.jpg, and both can be the picture 1.jpg'),
    (A, ['c/1.jpg'], 'names a/1.jpg and b/1.jpg, and both can be the picture c/1.jpg'),
    (A, ['x/2.jpg'], r'has the box \[70, 0, 80, 5\] .* outside of x/2.jpg, which is 64x48 pixels'),
    ({'1.jpg': []}, ['a/1.jpg', 'b/1.jpg'], r'one entry \(1.jpg\) for two pictures, a/1.jpg and b'),
    (
        LIST,
        ['someone.jpg'],
        'only numbers of pictures, .* someone.jpg .*--annotations',
    ),
    (
        LIST,
        ['000000008.jpg'],
        r'no detection in picture 8 \(the number in the name of 000000008.jpg\): if',
    ),
    (LIST, ['a/7.jpg', 'b/7.jpg'], r'one entry \(7\) for two pictures, a/7.jpg and b/7.jpg'),
    (FILE, ['9.jpg'], 'boxes.json does not name the picture 9.jpg'),
    (
        changed('images', width=100),
        ['1.jpg'],
        'has boxes for 1.jpg with 100x48 pixels, but the picture has 64x48',
    ),
]


@pytest.mark.parametrize(('content', 'sources', 'sentence'), UNMATCHED)
def test_a_picture_without_an_entry_raises_one_sentence(written, content, sources, sentence):
    source = open_boxes(content if content is A or '1.jpg' in content else written(content))
    with pytest.raises(UserError, match=sentence) as error:
        boxes_of(source, *map(picture, sources))
    assert '\n' not in str(error.value)


def test_boxes_of_a_picture_can_be_requested_twice():
    source = open_boxes({'1.jpg': [[0, 0, 5, 5]]})
    first, second = boxes_of(source, picture('a/1.jpg'), picture('a/1.jpg'))
    np.testing.assert_array_equal(first.xyxy, second.xyxy)


UNKNOWN = [
    (
        'rtmdet-l',
        {},
        "no boxes 'rtmdet-l': .* none of whole, refine, rtmdet-m, .*; did you mean rtmdet-m",
    ),
    ('boxes/none.json', {}, "no boxes 'boxes/none.json': it is no file or folder, .*check the pat"),
    ('whole', dict(annotations='a.json'), '--annotations is only for a list of detections, and wh'),
]


@pytest.mark.parametrize(('word', 'options', 'sentence'), UNKNOWN)
def test_an_unknown_word_raises_one_sentence(word, options, sentence):
    with pytest.raises(UserError, match=sentence):
        open_boxes(word, **options)


def test_annotations_are_checked(written):
    with pytest.raises(UserError, match=r'none.json does not exist: check its path'):
        open_boxes(written(LIST), 'none.json')
    with pytest.raises(UserError, match=r'--annotations is only for a list of detections'):
        open_boxes(written(FILE), str(written(FILE, 'same.json')))
    other = detection(image_id=9)
    with pytest.raises(UserError, match=r'image 9\) has an image_id that is not in the annotation'):
        open_boxes(written(other), str(written(FILE, 'same.json')))
