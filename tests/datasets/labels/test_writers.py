"""Labels that are written for labelling tools are read again as the same labels."""

import json
import os
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.helpers.label_files import example, refused, write_cvat_skeletons
from vitpose_plus.datasets.labels import LabelledInstance, LabelledPicture, Labels, read_labels
from vitpose_plus.datasets.labels.writers import WRITERS, LabelWriter
from vitpose_plus.datasets.labels.writing import DECIMALS
from vitpose_plus.errors import UserError

# Both folders have a picture of this name. All its characters mean something in an address.
NAME = 'Mäuse #1 & 2 + 100%.png'
ROUNDED = 0.5 * 10**-DECIMALS + 1e-9  # pixels
HAVE_HIDDEN = {'coco'}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'to correct (zweite Äpfel)'


@pytest.fixture
def labels(folder):
    """Predicted labels: positions with all their digits, and a hidden keypoint."""
    labels = example(folder)
    rng = np.random.default_rng(0)
    for picture in labels.pictures:
        if picture.path.name == 'img0.png':
            picture.path = picture.path.rename(picture.path.with_name(NAME))
        for instance in picture.instances:
            instance.points[instance.labelled, :2] += rng.uniform(
                -1, 1, (sum(instance.labelled), 2)
            )
            instance.box += rng.uniform(-0.1, 0.1, 4)
    labels.pictures[2].instances[0].points[1, 2] = 1
    return labels


def written(name, labels, folder):
    """The file or folder that is read after the correction; nobody has corrected anything."""
    WRITERS[name]().write(labels, folder, 'mouse')
    return exported(folder) if name == 'label-studio' else folder


def exported(folder, change=lambda regions: regions):
    """What Label Studio exports as "JSON" after every task was submitted.

    A submitted prediction is an annotation with the same regions. The exported predictions are only
    their numbers.
    """
    tasks = json.loads((folder / 'tasks.json').read_text(encoding='utf-8'))
    for number, task in enumerate(tasks, 1):
        [prediction] = task['predictions']
        regions = [region | dict(origin='prediction') for region in prediction['result']]
        annotation = dict(id=number, result=change(regions), was_cancelled=False)
        task |= dict(id=number, annotations=[annotation], predictions=[number], project=1)
    path = folder / 'project-1-at-2026-11-29-10-00-abcdef01.json'
    path.write_text(json.dumps(tasks), encoding='utf-8')
    return path


def points_of(labels, picture):
    """For each instance: name -> x, y, visibility of its labelled keypoints."""
    return [
        {
            name: point
            for name, point in zip(labels.names, instance.points.tolist(), strict=True)
            if point[2]
        }
        for instance in picture.instances
    ]


def assert_same(read, labels, hidden):
    """The labels are equal but for the order of names; without ``hidden``, all are visible."""
    assert sorted(read.names) == sorted(labels.names)
    assert [os.path.realpath(p.path) for p in read.pictures] == [
        os.path.realpath(p.path) for p in labels.pictures
    ]
    for mine, its in zip(read.pictures, labels.pictures, strict=True):
        assert mine.size_wh == its.size_wh
        pairs = zip(points_of(read, mine), points_of(labels, its), strict=True)
        for one, other in pairs:
            assert one.keys() == other.keys()  # missing keypoints are missing
            for name, (x, y, visibility) in other.items():
                expected = [x, y, visibility if hidden else 2]
                np.testing.assert_allclose(one[name], expected, rtol=0, atol=ROUNDED)
        for one, other in zip(mine.instances, its.instances, strict=True):
            # A box has two rounded corners in labelme.
            np.testing.assert_allclose(one.box, other.box, rtol=0, atol=2 * ROUNDED)


def test_every_writer_has_one_name():
    kinds = list(WRITERS.values())
    assert set(kinds) == set(LabelWriter.__subclasses__())
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize('name', WRITERS)
def test_written_labels_are_read_again(name, labels, folder):
    path = written(name, labels, folder)
    read = read_labels([path])
    assert_same(read, labels, hidden=name in HAVE_HIDDEN)
    assert read.names == labels.names  # the first instance has all of them
    assert read.links == (labels.links if name == 'coco' else ())


@pytest.mark.parametrize('name', WRITERS)
def test_the_folder_can_be_moved_before_it_is_read(name, labels, folder, tmp_path):
    path = written(name, labels, folder)
    moved = folder.rename(tmp_path / 'moved')
    for picture in labels.pictures:
        picture.path = moved / picture.path.relative_to(folder)
    read = read_labels([moved / path.relative_to(folder)])
    assert_same(read, labels, hidden=name in HAVE_HIDDEN)


@pytest.mark.parametrize('name', WRITERS)
def test_overlapping_instances_keep_their_points(name, labels, folder):
    """Their boxes do not tell to which instance a point belongs."""
    picture = labels.pictures[0]
    one = picture.instances[0]
    other = LabelledInstance(one.points + np.array([1, 1, 0]), one.box + np.array([1, 1, 0, 0]))
    other.points[0] = 0
    picture.instances.append(other)
    read = read_labels([written(name, labels, folder)])
    assert_same(read, labels, hidden=name in HAVE_HIDDEN)


@pytest.mark.parametrize('name', WRITERS)
def test_pictures_without_instances_stay(name, labels, folder):
    labels.pictures[0].instances.clear()
    read = read_labels([written(name, labels, folder)])
    assert_same(read, labels, hidden=name in HAVE_HIDDEN)
    assert read.pictures[0].instances == []


@pytest.mark.parametrize('name', WRITERS)
def test_boxes_are_clipped_to_the_picture(name, labels, folder):
    labels.pictures[0].instances[0].box[:] = -5, 10, 40, 100
    read = read_labels([written(name, labels, folder)])
    np.testing.assert_allclose(read.pictures[0].instances[0].box, [0, 10, 35, 38], atol=1e-9)


@pytest.mark.parametrize('name', WRITERS)
def test_an_instance_without_a_box_is_refused_before_any_file_is_written(name, labels, folder):
    labels.pictures[-1].instances[-1].box = None
    before = sorted(folder.rglob('*'))
    with pytest.raises(UserError, match='an instance without a box'):
        WRITERS[name]().write(labels, folder, 'mouse')
    assert sorted(folder.rglob('*')) == before


@pytest.mark.parametrize('name', WRITERS)
def test_the_advice_has_the_folder_the_files_and_the_next_command(name, labels, folder):
    WRITERS[name]().write(labels, folder, 'mouse')
    advice = WRITERS[name]().advice(folder)
    assert 'to new-dataset --add' in advice
    assert '\n' not in advice
    assert str(folder) in advice
    for file in folder.glob('*.*'):  # not labelme's files, which are beside the pictures
        assert file.name in advice


def test_labelme_has_one_file_for_each_picture(labels, folder):
    WRITERS['labelme']().write(labels, folder, 'mouse')
    for picture in labels.pictures:
        content = json.loads(picture.path.with_suffix('.json').read_text(encoding='utf-8'))
        assert content['imagePath'] == picture.path.name
        assert content['imageData'] is None
    first = labels.pictures[0]
    other = first.path.with_suffix('.jpg')
    labels.pictures.append(LabelledPicture(other, first.size_wh, []))
    with pytest.raises(UserError, match=r'\.png and .*\.jpg have the same name .*: rename one'):
        WRITERS['labelme']().write(labels, folder, 'mouse')


def test_label_studio_gives_the_paths_that_it_serves(labels, folder):
    """The part after ``?d=`` is the path below the document root, the parent of the folder."""
    WRITERS['label-studio']().write(labels, folder, 'mouse')
    tasks = json.loads((folder / 'tasks.json').read_text(encoding='utf-8'))
    for task, picture in zip(tasks, labels.pictures, strict=True):
        url = urlsplit(task['data']['image'])
        assert url.path == '/data/local-files/'
        assert url.fragment == ''
        [path] = parse_qs(url.query)['d']
        assert folder.parent / path == picture.path
    keys = [one['id'] for task in tasks for one in task['predictions'][0]['result']]
    assert len(keys) == len(set(keys)) == 4 + 4 + 4 + 2 + 4  # boxes and points


def test_label_studio_labels_only_what_its_configuration_has(labels, folder):
    labels = Labels(('snout & "nose"', *labels.names[1:]), labels.links, labels.pictures)
    WRITERS['label-studio']().write(labels, folder, 'mouse <wild>')
    config = ElementTree.parse(folder / 'label_config.xml').getroot()
    offered = {
        (control.get('name'), control.get('toName'), kind, label.get('value'))
        for kind in ('RectangleLabels', 'KeyPointLabels')
        for control in config.iter(kind)
        for label in control
    }
    tasks = json.loads((folder / 'tasks.json').read_text(encoding='utf-8'))
    used = {
        (one['from_name'], one['to_name'], one['type'], *one['value'][one['type']])
        for task in tasks
        for one in task['predictions'][0]['result']
    }
    assert {(*keys, kind.lower(), label) for *keys, kind, label in offered} == used
    [image] = config.iter('Image')
    assert image.get('value') == '$' + next(iter(tasks[0]['data']))


def test_predictions_that_nobody_submitted_are_not_read(labels, folder):
    WRITERS['label-studio']().write(labels, folder, 'mouse')
    refused(r'has no label file below it.*Label Studio json \(the export "JSON"\)', [folder])
    refused(r'tasks.json has an unknown format', [folder / 'tasks.json'])
    exported(folder)
    assert_same(read_labels([folder]), labels, hidden=False)  # only the export


def test_corrections_in_label_studio_are_read(labels, folder):
    """A point is moved, one is deleted, and a new one, without a parent, lies in one box."""
    first, instance = labels.pictures[0], labels.pictures[0].instances[0]
    WRITERS['label-studio']().write(labels, folder, 'mouse')
    width, height = first.size_wh

    def change(regions):
        if regions[0]['id'] != '1-1':
            return regions
        box, snout, left, *others = regions
        snout['value'] |= dict(x=100 * 12 / width, y=100 * 18 / height)
        new = {key: left[key] for key in left.keys() - {'parentID'}} | dict(id='aB3_-x')
        new['value'] = left['value'] | dict(x=100 * 20 / width, y=100 * 20 / height)
        return [box, snout, *others[1:], new]

    path = exported(folder, change)
    instance.points[:3] = [12, 18, 2], [20, 20, 2], [0, 0, 0]
    assert_same(read_labels([path]), labels, hidden=False)


def test_coco_files_have_the_fields_that_cvat_reads(labels, folder):
    """Datumaro, CVAT's reader, refuses files in which one of them is missing."""
    WRITERS['coco']().write(labels, folder, 'mouse')
    content = json.loads((folder / 'annotations.json').read_text(encoding='utf-8'))
    fields = dict(
        categories=dict(id=int, name=str, keypoints=list, skeleton=list),
        images=dict(id=int, file_name=str, width=int, height=int),
        annotations=dict(
            id=int, image_id=int, category_id=int, iscrowd=int, keypoints=list, segmentation=list
        ),
    )
    for part, kinds in fields.items():
        assert content[part]
        for one in content[part]:
            assert {name: type(one[name]) for name in kinds} == kinds
    assert not any(one['segmentation'] for one in content['annotations'])


def test_corrections_in_cvat_are_read(labels, folder):
    """The export beside the written files; CVAT stores hundredths of a pixel, and no boxes."""
    WRITERS['coco']().write(labels, folder, 'mouse')
    [path] = write_cvat_skeletons(labels, folder)
    document = ElementTree.parse(path)
    for image in document.iter('image'):
        for box in image.findall('box'):
            image.remove(box)
    document.write(path)
    read = read_labels([path])
    assert read.names == labels.names
    for one, other in zip(read.pictures, labels.pictures, strict=True):
        for mine, its in zip(one.instances, other.instances, strict=True):
            np.testing.assert_allclose(mine.points, its.points, rtol=0, atol=0.005 + 1e-9)
            assert mine.box is None


def test_the_skeleton_for_cvat_has_the_names_and_links(labels, folder):
    """CVAT exports the skeleton that a task begins with, so the reader of exports reads it."""
    WRITERS['coco']().write(labels, folder, 'mouse')
    [label] = json.loads((folder / 'cvat_labels.json').read_text(encoding='utf-8'))
    [path] = write_cvat_skeletons(labels, folder)
    document = ElementTree.parse(path)
    [listed] = document.iter('labels')
    listed.clear()
    for one in (label, *label['sublabels']):
        element = ElementTree.SubElement(listed, 'label')
        for tag in one.keys() & {'name', 'type', 'svg'}:
            ElementTree.SubElement(element, tag).text = one[tag]
        if one is not label:
            ElementTree.SubElement(element, 'parent').text = label['name']
    document.write(path)
    read = read_labels([path])
    assert (read.names, read.links) == (labels.names, labels.links)


def test_the_drawing_of_the_skeleton_is_the_fullest_pose(labels, folder):
    """Without an outer element: CVAT adds it."""
    instance = labels.pictures[0].instances[0]
    instance.points[:] = [[0, 10, 2], [40, 10, 2], [20, 20, 2], [0, 0, 0]]
    labels.pictures[1:] = [LabelledPicture(labels.pictures[1].path, (64, 48), [])]
    WRITERS['coco']().write(labels, folder, 'mouse')
    [label] = json.loads((folder / 'cvat_labels.json').read_text(encoding='utf-8'))
    drawing = list(ElementTree.fromstring(f'<svg>{label["svg"]}</svg>'))
    assert [one.tag for one in drawing] == ['line'] * 3 + ['circle'] * 4
    circles = drawing[3:]
    places = [(float(one.get('cx')), float(one.get('cy'))) for one in circles]
    assert places == [(10, 10), (90, 10), (50, 30), (80, 95)]  # 40 pixels are 80 of 100 units
    assert [one.get('data-label-name') for one in circles] == list(labels.names)
    numbers = {one.get('data-node-id'): place for one, place in zip(circles, places, strict=True)}
    for line in drawing[:3]:
        for end, side in (('1', 'from'), ('2', 'to')):
            place = float(line.get(f'x{end}')), float(line.get(f'y{end}'))
            assert place == numbers[line.get(f'data-node-{side}')]
