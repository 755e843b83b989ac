"""Writes labels as the labelling tools write them: ``WRITERS`` has one function for each format.

Every function writes the labels of pictures below ``root`` and returns the files to read.
"""

import csv
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from vitpose_plus.datasets.labels import LabelledInstance, LabelledPicture, Labels, read_labels
from vitpose_plus.errors import UserError

NAMES = ('snout', 'leftear', 'rightear', 'tailbase')
LINKS = ((0, 1), (0, 2), (0, 3))
SIZES = {'film/img0.png': (64, 48), 'film/img1.png': (64, 48), 'other/img0.png': (80, 40)}


def example(root):
    """Two animals in the second picture; the second animal has only two of the keypoints."""
    pose = np.array([[10.5, 20, 2], [14, 16.25, 2], [15, 22, 2], [30, 21.5, 2]])
    part = pose + np.array([30, 4, 0])
    part[[1, 3]] = 0
    animals = {
        'film/img0.png': [pose],
        'film/img1.png': [pose - [4, 3, 0], part],
        'other/img0.png': [pose + np.array([25.25, -10, 0])],
    }
    pictures = []
    for name, size in SIZES.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        Image.new('RGB', size).save(root / name)
        instances = [LabelledInstance(points, box_of(points)) for points in animals[name]]
        pictures.append(LabelledPicture(root / name, size, instances))
    return Labels(NAMES, LINKS, pictures)


def box_of(points):
    xy = points[points[:, 2] > 0, :2]
    return np.concatenate([xy.min(0) - 2, np.ptp(xy, axis=0) + 4])


def below(root, picture):
    return picture.path.relative_to(root).as_posix()


def points_of(labels, instance):
    """Name, x, y, visibility of the labelled points."""
    named = zip(labels.names, instance.points.tolist(), strict=True)
    return [(name, x, y, int(v)) for name, (x, y, v) in named if v]


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))
    return path


def coco_content(labels, root):
    """COCO Keypoints 1.0 of CVAT 2.x (Datumaro)."""
    images, annotations = [], []
    for number, picture in enumerate(labels.pictures, 1):
        name, (width, height) = below(root, picture), picture.size_wh
        extra = dict(license=0, flickr_url='', coco_url='', date_captured=0)
        images.append(dict(id=number, width=width, height=height, file_name=name, **extra))
        for instance in picture.instances:
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=number,
                    category_id=1,
                    segmentation=[],
                    area=float(np.prod(instance.box[2:])),
                    bbox=instance.box.tolist(),
                    iscrowd=0,
                    attributes=dict(occluded=False),
                    keypoints=instance.points.ravel().tolist(),
                    num_keypoints=int(instance.labelled.sum()),
                )
            )
    skeleton = [[one + 1, other + 1] for one, other in labels.links]
    category = dict(id=1, name='mouse', supercategory='', keypoints=list(labels.names))
    return dict(
        licenses=[dict(name='', id=0, url='')],
        info=dict(contributor='', date_created='', description='', url='', version='', year=''),
        categories=[category | dict(skeleton=skeleton)],
        images=images,
        annotations=annotations,
    )


def write_coco(labels, root):
    content = coco_content(labels, root)
    return [write_json(root / 'annotations' / 'person_keypoints_default.json', content)]


def write_coco_annotator(labels, root):
    """COCO Annotator 0.11: no boxes of points, and ``path`` beside the name."""
    content = coco_content(labels, root)
    for image in content['images']:
        image |= dict(dataset_id=1, path=f'/datasets/{image["file_name"]}', annotated=False)
    for one in content['annotations']:
        one |= dict(bbox=[0, 0, 0, 0], area=0, isbbox=False, color='#3fa55b', metadata={})
    return [write_json(root / 'mouse-1.json', content)]


def cvat_meta(parent, labels):
    listed = ElementTree.SubElement(ElementTree.SubElement(parent, 'meta'), 'labels')
    circles = ''.join(
        f'<circle r="1.5" cx="{i}" cy="9" data-type="element node" data-element-id="{i + 1}" '
        f'data-node-id="{i + 1}" data-label-name="{name}"></circle>'
        for i, name in enumerate(labels.names)
    )
    lines = ''.join(
        f'<line x1="1" y1="2" x2="3" y2="4" data-type="edge" data-node-from="{one + 1}" '
        f'data-node-to="{other + 1}"></line>'
        for one, other in labels.links
    )
    rows = [('mouse', 'skeleton', None, lines + circles), ('mouse', 'rectangle', None, None)]
    rows += [(name, 'points', 'mouse', None) for name in labels.names]
    for name, kind, owner, svg in rows:
        label = ElementTree.SubElement(listed, 'label')
        for tag, text in dict(name=name, type=kind, parent=owner, svg=svg).items():
            if text:
                ElementTree.SubElement(label, tag).text = text


def cvat_document(labels, root, of_instance, with_meta=True):
    document = ElementTree.Element('annotations')
    ElementTree.SubElement(document, 'version').text = '1.1'
    if with_meta:
        cvat_meta(document, labels)
    for number, picture in enumerate(labels.pictures):
        size = dict(zip(('width', 'height'), map(str, picture.size_wh), strict=True))
        name = below(root, picture)
        image = ElementTree.SubElement(document, 'image', id=str(number), name=name, **size)
        for group, instance in enumerate(picture.instances, 1):
            x, y, width, height = instance.box.tolist()
            corners = dict(xtl=f'{x:.2f}', ytl=f'{y:.2f}')
            corners |= dict(xbr=f'{x + width:.2f}', ybr=f'{y + height:.2f}')
            common = dict(source='manual', z_order='0', group_id=str(group))
            ElementTree.SubElement(image, 'box', label='mouse', occluded='0', **corners, **common)
            of_instance(image, instance, common)
    path = root / 'annotations.xml'
    ElementTree.ElementTree(document).write(path, encoding='utf-8', xml_declaration=True)
    return [path]


def write_cvat_skeletons(labels, root):
    """CVAT for images 1.1 of CVAT 2.x, with skeletons."""

    def of_instance(image, instance, common):
        skeleton = ElementTree.SubElement(image, 'skeleton', label='mouse', **common)
        for name, (x, y, visibility) in zip(labels.names, instance.points.tolist(), strict=True):
            ElementTree.SubElement(
                skeleton,
                'points',
                label=name,
                source='manual',
                outside=str(int(visibility == 0)),
                occluded=str(int(visibility == 1)),
                points=f'{x:.2f},{y:.2f}',
            )

    return cvat_document(labels, root, of_instance)


def write_cvat_points(labels, root):
    """CVAT for images 1.1, with a label for each keypoint."""

    def of_instance(image, instance, common):
        for name, x, y, visibility in points_of(labels, instance):
            hidden = str(int(visibility == 1))
            place = f'{x:.2f},{y:.2f}'
            ElementTree.SubElement(
                image, 'points', label=name, occluded=hidden, points=place, **common
            )

    return cvat_document(labels, root, of_instance, with_meta=False)


def label_studio_task(labels, picture, number, name, parents=True):
    width, height = picture.size_wh
    result = []

    def region(kind, label, key, parent=None, **value):
        shape = dict(value, **{kind: [label]})
        owner = dict(parentID=parent) if parent else {}
        result.append(
            dict(
                original_width=width,
                original_height=height,
                image_rotation=0,
                value=shape,
                id=key,
                from_name='kp',
                to_name='img',
                type=kind,
                origin='manual',
                **owner,
            )
        )

    for row, instance in enumerate(picture.instances):
        x, y, w, h = (100 * instance.box / [width, height, width, height]).tolist()
        box = f'box{row}'
        region('rectanglelabels', 'mouse', box, x=x, y=y, width=w, height=h, rotation=0)
        for label, px, py, _ in points_of(labels, instance):
            value = dict(x=100 * px / width, y=100 * py / height, width=0.5)
            region('keypointlabels', label, f'{label}{row}', box if parents else None, **value)
    annotation = dict(id=number, completed_by=1, result=result, was_cancelled=False)
    return dict(id=number, annotations=[annotation], data=dict(img=name), predictions=[])


def write_label_studio(labels, root, parents=True):
    """The export JSON of Label Studio 1.13, with pictures on a local disk."""
    tasks = [
        label_studio_task(
            labels, picture, number, f'/data/local-files/?d={below(root, picture)}', parents
        )
        for number, picture in enumerate(labels.pictures, 1)
    ]
    return [write_json(root / 'project-1-at-2024-05-01.json', tasks)]


def write_label_studio_regions(labels, root):
    """Without relations: the box around a point is its animal's."""
    return write_label_studio(labels, root, parents=False)


def write_labelme(labels, root):
    """labelme 5.4.1: a file beside each picture."""
    for picture in labels.pictures:
        shapes = []

        def shape(label, points, group, kind, shapes=shapes):
            extra = dict(description='', flags={}, mask=None)
            shapes.append(
                dict(label=label, points=points, group_id=group, shape_type=kind, **extra)
            )

        for group, instance in enumerate(picture.instances):
            x, y, width, height = instance.box.tolist()
            shape('mouse', [[x, y], [x + width, y + height]], group, 'rectangle')
            for label, px, py, _ in points_of(labels, instance):
                shape(label, [[px, py]], group, 'point')
        width, height = picture.size_wh
        size = dict(imageHeight=height, imageWidth=width)
        content = dict(version='5.4.1', flags={}, shapes=shapes, imageData=None, **size)
        name = f'..\\{picture.path.parent.name}\\{picture.path.name}'
        write_json(picture.path.with_suffix('.json'), content | dict(imagePath=name))
    return [root]


def dlc_rows(labels, root, pictures, individuals, columns):
    """The rows of DeepLabCut's csv; the path of the picture is in 1 or 3 columns."""
    empty = [''] * (columns - 1)
    owners = [(owner, name) for owner in individuals for name in labels.names for _ in 'xy']
    yield ['scorer', *empty, *['Pranav'] * len(owners)]
    if len(individuals) > 1:
        yield ['individuals', *empty, *[owner for owner, _ in owners]]
    yield ['bodyparts', *empty, *[name for _, name in owners]]
    yield ['coords', *empty, *['x', 'y'] * (len(owners) // 2)]
    for picture in pictures:
        path = f'labeled-data/{below(root, picture)}'
        cells = []
        for row in range(len(individuals)):
            points = np.zeros((len(labels.names), 3))
            if row < len(picture.instances):
                points = picture.instances[row].points
            cells += [text for x, y, v in points.tolist() for text in ((x, y) if v else ('', ''))]
        yield [*(path.split('/') if columns == 3 else [path]), *cells]


def write_dlc(labels, root, columns=3, delimiter=','):
    """DeepLabCut 2.3 with several animals: a csv in each folder of a film."""
    for folder in dict.fromkeys(picture.path.parent for picture in labels.pictures):
        pictures = [picture for picture in labels.pictures if picture.path.parent == folder]
        rows = dlc_rows(labels, root, pictures, ('mus1', 'mus2'), columns)
        write_rows(folder / 'CollectedData_Pranav.csv', rows, delimiter)
    return [root]


def write_dlc_one_column(labels, root):
    """DeepLabCut 2.1: the path is in one column; Excel saved it with semicolons."""
    return write_dlc(labels, root, columns=1, delimiter=';')


def write_rows(path, rows, delimiter=','):
    with open(path, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator='\r\n')
        for row in rows:
            is_excel = delimiter == ';'
            writer.writerow([as_cell(value, is_excel) for value in row])
    return path


def as_cell(value, is_excel):
    """Excel of many countries writes decimal commas."""
    return str(value).replace('.', ',') if is_excel and isinstance(value, float) else value


def write_table(labels, root, delimiter=','):
    rows = [['picture', 'keypoint', 'x', 'y', 'visible', 'animal']]
    for picture in labels.pictures:
        name = below(root, picture)
        for number, instance in enumerate(picture.instances):
            named = zip(labels.names, instance.points.tolist(), strict=True)
            for label, (x, y, v) in named:
                rows.append([name, label, *((x, y, int(v)) if v else ('', '', '')), f'm{number}'])
    return [write_rows(root / 'labels.csv', rows, delimiter)]


def write_excel_table(labels, root):
    return write_table(labels, root, ';')


WRITERS = {
    'coco': write_coco,
    'coco annotator': write_coco_annotator,
    'cvat skeletons': write_cvat_skeletons,
    'cvat points': write_cvat_points,
    'label studio': write_label_studio,
    'label studio regions': write_label_studio_regions,
    'labelme': write_labelme,
    'dlc': write_dlc,
    'dlc one column': write_dlc_one_column,
    'table': write_table,
    'excel table': write_excel_table,
}
HAVE_BOXES = {name for name in WRITERS if name.startswith(('coco', 'cvat', 'label'))} - {
    'coco annotator'
}
HAVE_LINKS = {'coco', 'coco annotator', 'cvat skeletons'}
HAVE_HIDDEN = {'coco', 'cvat skeletons', 'cvat points', 'table', 'excel table'}


def refused(message, files, *args, **kwargs):
    """The files are refused with this message, in one line."""
    with pytest.raises(UserError, match=message) as error:
        read_labels(files, *args, **kwargs)
    assert '\n' not in str(error.value)
    assert str(error.value).endswith('.')
