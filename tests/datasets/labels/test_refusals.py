"""Labels that cannot be trained rightly are refused; the message has the file and the place."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers.label_files import (
    NAMES,
    WRITERS,
    coco_content,
    dlc_rows,
    example,
    refused,
    write_json,
    write_rows,
)
from vitpose_plus.datasets.labels import Labels, read_labels

HEADER = ['picture', 'keypoint', 'x', 'y', 'visible', 'animal']
ROW = ['film/img0.png', 'snout', '10', '20', '2', 'a']


def table(place, *changes, header=HEADER):
    """A table with a good first line, and one more line for each change of it."""
    rows = [header, ROW]
    rows += [[change.get(n, v) for n, v in zip(HEADER, ROW, strict=True)] for change in changes]
    return [write_rows(place.root / 'labels.csv', rows)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(x='inf'), r'labels.csv: line 3, film/img0.png \(tail: inf, 20\) has a keypoint that '
                        'is not finite and is called visible'),
        (dict(x='nan'), r'\(line 3\) has no x or no y for the keypoint tail: add it'),
        (dict(x='', y=''), r'\(line 3\) has no x or no y for the keypoint tail: add it'),
        (dict(x='12m'), r"\(line 3\) has '12m' as x, not a number"),
        (dict(x='64.5'), r'line 3, film/img0.png \(tail: 64.5, 20\) has a keypoint outside of the '
                         r'picture \(64x48\)'),
        (dict(y='-1'), r'tail: 10, -1\) has a keypoint outside of the picture'),
        (dict(visible='3'), r'\(line 3\) has the visibility 3: give 0 for missing'),
        (dict(keypoint='snout'), r'line 3, film/img0.png \(snout: 10, 20\) names a keypoint twice'),
        (dict(keypoint=''), r'\(line 3\) names no keypoint'),
        (dict(picture=''), r'\(line 3\) names no picture'),
        (dict(picture='film/img7.png'), r'\(line 3\) names the picture film/img7.png, which is not '
                                        r'in or beside .*: give the folder of pictures'),
        (dict(picture='/film/img0.png'), r'line 3, .*img0.png labels a picture a second time: '
                                         r'remove it here or in .*labels.csv \(line 2\)'),
    ],
)  # fmt: skip
def test_lines_of_a_table(change, message, place):
    change = dict(keypoint='tail') | change
    refused(message, table(place, change))


def test_equal_faults_are_counted(place):
    changes = [dict(keypoint=f'point{row}', x='99') for row in range(5)]
    refused(r'outside of the picture \(64x48\) \(5 in total, also line 4', table(place, *changes))


def test_missing_values_stay_missing(place):
    [picture] = read_labels(
        table(
            place,
            dict(keypoint='ear', visible='0'),
            dict(keypoint='tail', x='', y='', visible=''),
            dict(keypoint='paw', visible='1'),
        )
    ).pictures
    np.testing.assert_array_equal(picture.instances[0].points, [[10, 20, 2], [10, 20, 1]])


def test_columns_of_tables(place):
    refused('line 1. names the column x twice', table(place, header=['picture', 'keypoint', 'x', 'y', 'x', 'x']))  # fmt: skip  # noqa: E501
    path = place.root / 'labels.csv'
    path.write_text('picture,keypoint,x,y\nfilm/img0.png,snout,1\n')
    refused(r'line 2\) has 3 cells, and the header 4', [path])
    path.write_bytes('picture,keypoint,x,y\n'.encode('utf-16'))
    refused(r'cannot be read as csv in UTF-8', [path])


def test_an_unknown_format(place):
    for name, text in {'a.csv': 'x,y\n1,2\n', 'a.json': '{}', 'a.mat': ''}.items():
        (place.root / name).write_text(text)
        refused(rf'{name} has an unknown format: these are read: COCO keypoint json; Label Studio '
                'json .*; labelme json; CVAT for images 1.1 .*; DeepLabCut csv; csv table with the '
                r'columns picture,keypoint,x,y\[,visible\]\[,animal\]\.$',
                [place.root / name])  # fmt: skip
    refused('film has no label file below it: these are read', [place.root / 'film'])
    refused('none.csv does not exist: correct the path', [place.root / 'none.csv'])
    refused('none does not exist: correct the path', [place.root / 'none'])
    refused('none.h5 does not exist: correct the path', [place.root / 'none.h5'])
    refused('No label file is given', [])
    (place.root / 'a.json').write_text('{"images": [')
    refused('a.json cannot be read as json .*: export it again', [place.root / 'a.json'])


def test_a_folder_of_several_formats(place):
    table(place)
    WRITERS['labelme'](place.labels, place.root)
    refused('has label files of several formats .*: give the files of one format', [place.root])


def test_no_labels(place):
    for picture in place.labels.pictures:
        picture.instances.clear()
    for name in ('coco', 'label studio', 'dlc', 'cvat skeletons'):
        files = WRITERS[name](place.labels, place.root)
        refused('has no labelled keypoint.*: label some pictures', files)
        for file in place.root.rglob('*.csv'):
            file.unlink()


def test_pictures_that_are_missing_or_ambiguous(place):
    files = table(place)
    (place.root / 'elsewhere').mkdir()
    refused(
        'img0.png, which is not below .*elsewhere: add it there', files, place.root / 'elsewhere'
    )
    refused('nowhere .pictures. is not a folder', files, place.root / 'nowhere')
    for name in ('a', 'b'):
        example(place.root / 'two' / name)
    refused('film/img0.png, which can be .*a/film/img0.png or .*b/film/img0.png: write its folder',
            files, place.root / 'two')  # fmt: skip


def test_pictures_of_another_size(place):
    files = WRITERS['coco'](place.labels, place.root)
    Image.new('RGB', (32, 24)).save(place.root / 'film' / 'img0.png')
    refused(r'image 1, film/img0.png \(64x48, not 32x24\) has another size in the labels than the '
            'picture', files)  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (64, 48)).save(place.root / 'film' / 'img0.png', exif=exif)
    refused(r'\(64x48, not 48x64\) has labels of the size before turning, but the picture is '
            'turned by its EXIF orientation: turn the picture file', files)  # fmt: skip
    (place.root / 'film' / 'img0.png').write_text('no picture')
    refused('img0.png cannot be opened .*: replace it', files)


def test_a_picture_in_two_files(place):
    copy = coco_content(place.labels, place.root)
    again = write_json(place.root / 'again.json', copy)
    refused(r'again.json: image 1, .*img0.png labels a picture a second time \(3 in total, also '
            r'image 2, .*\): remove it here or in .*default.json \(image 1\)\.$',
            [*WRITERS['coco'](place.labels, place.root), again])  # fmt: skip


def changed_coco(place, change):
    content = coco_content(place.labels, place.root)
    change(content)
    return [write_json(place.root / 'a.json', content)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['categories'][0].update(keypoints=[*NAMES[:3], 'snout']),
         r'\(categories\[0\]\) names the keypoint snout twice: give every keypoint its own name'),
        (lambda c: c['categories'][0].update(keypoints=[]), 'has no category with the names'),
        (lambda c: c['categories'][0].update(skeleton=[[1, 5]]), 'has a skeleton that is not'),
        (lambda c: c['annotations'][0]['keypoints'].__setitem__(0, float('nan')),
         r'annotation 1 \(keypoint 0: nan, 20, 2\) has a keypoint with a value that is not finite'),
        (lambda c: c['annotations'][1].update(keypoints=[1, 2, 2]),
         'annotation 2 has 1 keypoints, not 4'),
        (lambda c: c['annotations'][1].update(category_id=5),
         r'\(annotation 2\) has keypoints, but its category_id is not a category with keypoints'),
        (lambda c: c['annotations'][1].update(bbox=[70, 50, 9, 9]),
         r'annotation 2 .* has a box|image 2, film/img1.png \(70, 50, 9, 9\) has a box that is'),
        (lambda c: c['images'][0].update(width=None), 'image 1 .* has no width and height'),
    ],
)  # fmt: skip
def test_coco_files(change, message, place):
    refused(message, changed_coco(place, change))


def test_nan_of_a_missing_keypoint_and_a_skeleton_from_0(place):
    def change(content):
        content['annotations'][0]['keypoints'][:3] = [float('nan'), float('nan'), 0]
        content['categories'][0]['skeleton'] = [[0, 1], [0, 2], [0, 3]]

    labels = read_labels(changed_coco(place, change))
    assert labels.pictures[0].instances[0].points[0].tolist() == [0, 0, 0]
    assert labels.links == place.labels.links


def test_several_categories_need_a_choice(place):
    def change(content):
        rat = dict(id=2, name='rat', keypoints=['head', *NAMES[1:]])
        content['categories'] += [rat, dict(id=3, name='cage')]
        content['annotations'][1]['category_id'] = 2

    files = changed_coco(place, change)
    refused(r'a.json has several categories \(mouse, rat\): choose one of them with --category',
            files)  # fmt: skip
    refused('a.json has no label of the category cat: the labelled ones are mouse, rat', files,
            category='cat')  # fmt: skip
    rats = read_labels(files, category='rat')
    assert rats.names == ('head', *NAMES[1:])
    assert [len(picture.instances) for picture in rats.pictures] == [0, 1, 0]
    refused('labels.csv has no label of the category mouse: it names none', table(place),
            category='mouse')  # fmt: skip


def test_names_and_order_must_be_the_same_in_all_files(place):
    files = WRITERS['coco'](place.labels, place.root)
    other = Labels(NAMES[::-1], (), place.labels.pictures[2:])
    rows = dlc_rows(other, place.root, other.pictures, ('',), 1)
    dlc = write_rows(place.root / 'CollectedData.csv', rows)
    refused(r'CollectedData.csv has its keypoints in another order \(tailbase, rightear, leftear, '
            r'snout\) than .*default.json', [*files, dlc])  # fmt: skip
    other.names = ('nose', *NAMES[1:])
    write_rows(dlc, dlc_rows(other, place.root, other.pictures, ('',), 1))
    refused(r'CollectedData.csv has other keypoints than .* \(it also has nose and does not have '
            'snout', [*files, dlc])  # fmt: skip
    refused(r'labels.csv \(line 3\) has the keypoint nose, which .*default.json does not have: use '
            'the names snout, leftear', [*files, *table(place, dict(keypoint='nose'))])  # fmt: skip


def test_names_of_pictures_that_are_too_long(place):
    """A path of 2000 folders is searched in less than a second, and a longer one not at all."""
    deep = 'a/' * 2000
    message = r'names the picture a/a/.*/img9.png, which is not in'
    refused(message, table(place, dict(picture=f'{deep}img9.png')))
    refused(r"line 3\) names the picture '[a/]{39}\.\.\.: correct the name", table(
        place, dict(picture=f'{deep}{deep}img9.png')
    ))  # fmt: skip
