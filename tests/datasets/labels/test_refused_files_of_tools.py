"""Faults that only files of one labelling tool have; the message has the file and the place."""

import json
import re
from xml.etree import ElementTree

import pytest

from tests.helpers.label_files import (
    WRITERS,
    dlc_rows,
    label_studio_task,
    refused,
    write_json,
    write_rows,
)
from vitpose_plus.datasets.labels import read_labels


def changed_dlc(place, change):
    rows = [
        list(row) for row in dlc_rows(place.labels, place.root, place.labels.pictures, ('',), 1)
    ]
    change(rows)
    return [write_rows(place.root / 'CollectedData.csv', rows)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda rows: rows[3].__setitem__(1, ''),
         r'CollectedData.csv \(line 4\) has only one coordinate of the keypoint snout: add x'),
        (lambda rows: rows[4].__setitem__(1, 'inf'),
         r'line 5, labeled-data/film/img1.png \(snout: inf, 17\) has a keypoint that is not'),
        (lambda rows: rows[1].__setitem__(slice(3, 5), ['snout', 'snout']),
         'CollectedData.csv names the keypoint snout twice: give every'),
        (lambda rows: rows[2].__setitem__(2, 'likelihood'),
         r'has columns likelihood beside x and y, .*: give the table of labels \(CollectedData\)'),
        (lambda rows: rows.pop(2), 'has no row coords in its header'),
        (lambda rows: rows[3].pop(), r'\(line 4\) has 8 cells, and the header 9'),
        (lambda rows: rows[3].__setitem__(0, ''), r'\(line 4\) names no picture'),
    ],
)  # fmt: skip
def test_tables_of_deeplabcut(change, message, place):
    refused(message, changed_dlc(place, change))


def test_bodyparts_that_occur_once_are_another_category(place):
    """DeepLabCut's individual ``single`` has other bodyparts than the animals."""
    pose = ['mus1', 'mus1', 'mus2', 'mus2', 'single', 'single']
    rows = [['scorer', *['P'] * 6], ['individuals', *pose]]
    rows += [['bodyparts', *['snout'] * 4, *['corner'] * 2], ['coords', *['x', 'y'] * 3]]
    rows += [['film/img0.png', 1, 2, 3, 4, 5, 6]]
    files = [write_rows(place.root / 'CollectedData.csv', rows)]
    refused(r'several categories \(mus1, single\)', files)
    assert len(read_labels(files, category='mus1').pictures[0].instances) == 2
    assert read_labels(files, category='single').names == ('corner',)


def test_cvat(place):
    [file] = WRITERS['cvat points'](place.labels, place.root)
    tree = ElementTree.parse(file)
    points = tree.find('image/points')
    points.set('points', '1.0,2.0;3.0,4.0')
    tree.write(file)
    refused(r'annotations.xml \(image 0, film/img0.png\) has 2 points with the label snout: give '
            'every keypoint a label of its own', [file])  # fmt: skip
    points.set('points', '1.0,2.0')
    del points.attrib['group_id']
    tree.find('image/box').attrib.pop('group_id')
    tree.write(file)
    refused(r'\(image 0, film/img0.png\) has a keypoint snout .* that lies in 0 boxes: group the '
            'points of each animal', [file])  # fmt: skip
    ElementTree.SubElement(tree.getroot(), 'track')
    tree.write(file)
    refused('has tracks, as CVAT for video has: export it as CVAT for images 1.1', [file])
    file.write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    refused('annotations.xml cannot be read as xml .*entities', [file])


def test_label_studio(place):
    picture = place.labels.pictures[1]
    task = label_studio_task(place.labels, picture, 7, '/data/upload/1/0a1b2c3d-img1.png', False)
    file = place.root / 'project.json'

    def changed(message, change):
        content = json.loads(json.dumps(task))
        change(content)
        refused(message, [write_json(file, [content])])

    def region(content, row=0):
        return content['annotations'][0]['result'][row]

    changed(r'project.json \(task 7\) has 2 annotations of one picture: keep one of them',
            lambda c: c['annotations'].append(c['annotations'][0]))  # fmt: skip
    changed(r'\(task 7\) has a picture that was rotated in Label Studio',
            lambda c: region(c).update(image_rotation=90))  # fmt: skip
    changed('has a rotated box', lambda c: region(c)['value'].update(rotation=5))
    changed('has a region with 2 labels', lambda c: region(c)['value'].update(rectanglelabels='ab'))
    changed('has different sizes', lambda c: region(c, -1).update(original_width=62))
    changed('has 0 names of pictures', lambda c: c.update(data={}))
    changed(r"has no form of Label Studio \(KeyError: 'value'\)", lambda c: region(c).pop('value'))
    changed(r'has a keypoint leftear \(task 7\) that lies in 0 boxes',
            lambda c: region(c, 2)['value'].update(x=90))  # fmt: skip
    file.write_text(json.dumps([dict(image='a.png', kp=[])]))
    refused('unknown format: .*Label Studio json .the export "JSON"', [file])  # JSON-MIN


def test_labelme(place):
    WRITERS['labelme'](place.labels, place.root)
    file = place.root / 'film' / 'img1.json'
    content = json.loads(file.read_text())
    for shape in content['shapes'][:2]:
        shape['group_id'] = None
    content['shapes'].pop(0)
    write_json(file, content)
    refused(r'img1.json has a keypoint snout \(shapes\[0\]\) that lies in 0 boxes: group', [file])
    content['shapes'][0]['points'] = [[1]]
    write_json(file, content)
    refused(re.escape('(shapes[0]) has points that are not pairs of finite numbers'), [file])


def test_a_wrong_address_of_label_studio(place):
    """Python's ``urlsplit`` raises for it."""
    task = label_studio_task(place.labels, place.labels.pictures[0], 1, 'http://[::1/img0.png')
    refused(r'names the picture http://\[::1/img0.png, which is not in', [
        write_json(place.root / 'tasks.json', [task])
    ])  # fmt: skip
