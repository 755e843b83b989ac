"""check-data finds problems of files, annotations and pictures, and prints where they are."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from vitpose_plus.commands import main
from vitpose_plus.commands.check_data import parts
from vitpose_plus.datasets.checking.annotation_file import fitting
from vitpose_plus.datasets.checking.published import PUBLISHED

ROOT = Path(__file__).parents[2]
SYNTHETIC = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']
COCO_VAL = 'coco/annotations/person_keypoints_val2017.json'
BOXES = 'coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json'
WHOLE_VAL = 'coco/annotations/coco_wholebody_val_v1.0.json'
MPII_VAL = 'mpii/annotations/mpii_val.json'
MPII_MAT = 'mpii/annotations/mpii_gt_val.mat'


@pytest.fixture
def data(figures, tmp_path):
    """A copy of the synthetic datasets, which a test may damage."""
    shutil.copytree(figures, tmp_path / 'data')
    return tmp_path / 'data'


def check(root, *argv):
    main(['check-data', '--root', str(root), *argv])


def findings(capsys, root, *argv):
    """Runs a check that must fail; returns what it prints."""
    with pytest.raises(SystemExit) as stop:
        check(root, '--any-count', *argv)
    assert stop.value.code == 2
    return capsys.readouterr()


def change(path, function):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(function(content) or content))


def test_six_complete_datasets_are_ok(figures, capsys):
    check(figures, *SYNTHETIC, '--any-count', '--images', 'all')
    out = capsys.readouterr().out
    rows = re.findall(r'(\w+) +│ (train|val|test) +│ +(\d+) │ +(\d+) │ +(\d+) │ (\w+)', out)
    assert {row[0] for row in rows} == set(SYNTHETIC)
    assert len(rows) == 13  # AP-10K has a test split
    for name, split, images, annotations, used, state in rows:
        assert state == 'ok'
        assert int(images) == (6 if split == 'train' else 3) or name == 'mpii'
        assert 0 < int(used) <= int(annotations)


def test_counts_are_compared_with_the_published_ones(figures, capsys):
    with pytest.raises(SystemExit):
        check(figures, 'mpii', 'aic', 'coco')
    out = capsys.readouterr().out
    assert re.search(r'mpii_train.json has \d+ annotations, but 22,246 are published', out)
    assert 'person_keypoints_train2017.json has 6 images, but 118,287 are published' in out
    assert re.search(r'person_keypoints_val2017.json has \d+ used, but 6,352 are', out)
    assert re.search(r'aic +│ train.*ok', out)  # no counts are published, so none are compared


def test_published_counts_belong_to_files_of_included_datasets():
    named = {Path(part['ann_file']).name for _, _, part, _ in parts([], 'data')}
    assert set(PUBLISHED) - named == {'test_annotations_1.json'}  # written by prepare-data
    for counts in PUBLISHED.values():
        assert set(counts) <= {'images', 'annotations', 'used'}


def test_every_dataset_has_a_section_in_the_guide():
    guide = (ROOT / 'docs' / 'datasets.md').read_text()
    names = {name for name, *_ in parts([], 'data')}
    assert len(names) == 9
    for name in names:
        assert re.search(rf'^## {name}$', guide, re.M), name


def test_the_error_for_an_unknown_name_lists_the_known_names(tmp_path, capsys):
    err = findings(capsys, tmp_path, 'koko').err
    assert 'There is no dataset koko: there are aic, ap10k, apt36k, coco, coco_wholebody' in err


def test_every_missing_file_is_named(tmp_path, capsys):
    captured = findings(capsys, tmp_path, 'coco', 'interhand2d')
    for file in (
        *(COCO_VAL, BOXES, 'coco/annotations/person_keypoints_train2017.json'),
        'interhand2.6m/annotations/machine_annot/InterHand2.6M_val_camera.json',
        'interhand2.6m/annotations/all/InterHand2.6M_test_joint_3d.json',
    ):
        assert f'{tmp_path / file} ' in captured.out
    folder = tmp_path / 'coco/val2017'
    assert f'The folder of pictures {folder}/ is missing: unpack the pictures' in captured.out
    assert 'See docs/datasets.md#coco.' in captured.out
    assert f'error: The datasets in {tmp_path} have problems (' in captured.err
    assert 'Traceback' not in captured.err


@pytest.mark.parametrize('words', [['--images', 'few'], ['--images', '-1']])
def test_a_wrong_number_of_pictures_is_refused(tmp_path, capsys, words):
    with pytest.raises(SystemExit):
        check(tmp_path, *words)
    assert 'argument --images' in capsys.readouterr().err


# ------------------------------------------------------------------------------------ annotations


def annotations(content):
    return content['annotations']


def cut_file(root):
    path = root / COCO_VAL
    path.write_text(path.read_text()[:-100])


def other_format(root):
    (root / COCO_VAL).write_text('[]')


def no_width(root):
    change(root / COCO_VAL, lambda content: content['images'][1].pop('width') and None)


def few_keypoints(root):
    change(root / COCO_VAL, lambda c: annotations(c)[0].update(keypoints=[1, 2, 2] * 16))


def broken_keypoints(root):
    change(root / COCO_VAL, lambda content: annotations(content)[0]['keypoints'].pop() and None)


def wrong_id(root):
    for row in (0, 1):
        change(root / COCO_VAL, lambda c, row=row: annotations(c)[row].update(image_id=77))


def corners_for_a_box(root):
    def damage(content):
        for one in annotations(content):
            x, y, w, h = one['bbox']
            one['bbox'] = [x + 300, y + 300, x + w + 300, y + h + 300]

    change(root / COCO_VAL, damage)


def flat_box(root):
    change(root / COCO_VAL, lambda content: annotations(content)[0].update(bbox=[5, 5, 10, 0]))


def short_box(root):
    change(root / COCO_VAL, lambda content: annotations(content)[0].update(bbox=[5, 5, 10]))


def no_annotations(root):
    change(root / COCO_VAL, lambda content: annotations(content).clear())


def crowds(root):
    change(root / COCO_VAL, lambda content: [a.update(iscrowd=1) for a in annotations(content)][:0])


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (cut_file, f'{COCO_VAL} cannot be read as JSON (JSONDecodeError'),
        (other_format, f'{COCO_VAL} is not a dict of images, annotations and categories: correct'),
        (no_width, r'image \d+ \(None, \d+\) has no width and height, or they are not numbers'),
        (few_keypoints, r'annotation \d+ has 16 keypoints, not 17: correct the file, or download'),
        (broken_keypoints, r'annotation \d+ has 16.6667 keypoints, not 17'),
        (wrong_id, r'annotation \d+ \(77\) has an image_id that is not in the file \(2 in total, '),
        (
            corners_for_a_box,
            r'annotation \d+ \(\[.*\]\) has a box \(x, y, width, height\) that is empty or not in',
        ),
        (
            flat_box,
            r'\(\[5, 5, 10, 0\]\) has a box \(x, y, width, height\) that is empty or not in its',
        ),
        (short_box, r'annotation \d+ \(\[5, 5, 10\]\) has a bbox that is not a list of four '),
        (no_annotations, 'The dataset coco is empty'),
        (crowds, 'The dataset coco is empty'),
    ],
)
def test_damaged_annotations_are_reported(data, capsys, damage, message):
    damage(data)
    out = findings(capsys, data, 'coco').out
    assert message in out or re.search(message, out)
    assert [line.split(':')[0] for line in out.splitlines() if 'See docs' in line] == ['coco val']


def no_face(root):
    change(root / WHOLE_VAL, lambda content: annotations(content)[0].pop('face_kpts') and None)


def short_hand(root):
    change(root / WHOLE_VAL, lambda c: annotations(c)[0].update(lefthand_kpts=[0] * 60))


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (no_face, '(missing) has face_kpts that are not a list of numbers'),
        (short_hand, 'has 132 keypoints'),
    ],
)
def test_damaged_parts_of_a_whole_body_are_reported(data, capsys, damage, message):
    damage(data)
    out = findings(capsys, data, 'coco', 'coco_wholebody').out
    assert f'coco_wholebody val: {data / WHOLE_VAL}' in out
    assert message in out
    assert 'coco val:' not in out


@pytest.mark.parametrize(
    ('box', 'size', 'fits'),
    [
        ([0, 0, 10, 10], (10, 10), True),
        ([-1, -1, 12, 12], (10, 10), True),  # 100 of 144 pixels
        ([5, 0, 10, 10], (10, 10), True),  # a half
        ([5.1, 0, 10, 10], (10, 10), False),
        ([5, 5, 10, 10], (10, 10), False),  # a quarter
        ([20, 0, 5, 5], (10, 10), False),
        ([0, 0, -4, 4], (10, 10), False),
        ([0, 0, float('nan'), 4], None, False),
        ([-500, 0, 4, 4], None, True),  # MPII's annotations have no picture sizes
    ],
)
def test_a_box_fits_if_half_of_it_is_in_the_picture(box, size, fits):
    size = size or (np.nan, np.nan)
    assert fitting(np.array([box], float), np.array([size], float)) == [fits]


def test_one_wrong_box_in_a_large_file_is_accepted(data, capsys):
    """One wrong box of 1500 is accepted, because mmpose leaves it out; two are reported."""
    path = data / COCO_VAL
    base = json.loads(path.read_text())
    [first, *_] = [a for a in annotations(base) if a['num_keypoints'] > 4]
    copies = [dict(first, id=10_000_000 + i) for i in range(1500)]
    for number in (1, 2):
        for copy in copies[:number]:
            copy['bbox'] = [5, 5, 10, 0]
        path.write_text(json.dumps(dict(base, annotations=copies)))
        if number == 1:
            check(data, 'coco', '--any-count')
            assert re.search(r'1,500 +│ +1,499 │ ok', capsys.readouterr().out)
        else:
            assert (
                'that is empty or not in its picture (2 in total, also'
                in findings(capsys, data, 'coco').out
            )


# ------------------------------------------------------------------------- files beside annotations


def boxes_elsewhere(root):
    change(root / BOXES, lambda boxes: boxes[0].update(image_id=42))


def boxes_without_scores(root):
    change(root / BOXES, lambda boxes: boxes[1].pop('score') and None)


def no_boxes(root):
    (root / BOXES).write_text('[]')


def boxes_in_a_table(root):
    (root / BOXES).write_text('{"a": 1}')


def short_mat(root):
    arrays = {k: v for k, v in loadmat(root / MPII_MAT).items() if not k.startswith('_')}
    arrays['headboxes_src'] = arrays['headboxes_src'][..., :-1]
    savemat(root / MPII_MAT, arrays)


def mat_of_something(root):
    savemat(root / MPII_MAT, dict(x=1))


def no_mat(root):
    (root / MPII_MAT).write_text('not a mat file, but some text that is long enough to be one')


def mpii_joint(root):
    change(root / MPII_VAL, lambda people: people[0]['joints'].pop() and None)


def mpii_scale(root):
    change(root / MPII_VAL, lambda people: people[0].update(scale=0))


def mpii_field(root):
    change(root / MPII_VAL, lambda people: people[0].pop('center') and None)


@pytest.mark.parametrize(
    ('name', 'damage', 'message'),
    [
        (
            'coco',
            boxes_elsewhere,
            'detection 0 (image 42) has an image_id that is not in the annotation file: use',
        ),
        ('coco', boxes_without_scores, 'detection 1 has no score: correct'),
        (
            'coco',
            no_boxes,
            'is not a list of detections, each with image_id, category_id, bbox, score',
        ),
        ('coco', boxes_in_a_table, 'is not a list of detections, each with image_id'),
        ('mpii', short_mat, r'has headboxes_src of \d+ people, .*mpii_val.json has \d+: take'),
        ('mpii', mat_of_something, r"as the true joints of MPII \(KeyError: 'headboxes_src'\)"),
        ('mpii', no_mat, 'cannot be read as the true joints of MPII'),
        ('mpii', mpii_joint, 'entry 0 has 15 keypoints, not 16'),
        ('mpii', mpii_scale, r'entry 0 \(\[.*, 0, 0\]\) has a box'),
        ('mpii', mpii_field, 'entry 0 (None) has no center that is two numbers'),
    ],
)
def test_damaged_files_beside_the_annotations_are_reported(data, capsys, name, damage, message):
    damage(data)
    out = findings(capsys, data, name).out
    assert message in out or re.search(message, out)
    assert out.count('See docs') == 1


def test_only_the_head_boxes_of_mpii_s_mat_file_are_read(data, capsys):
    heads = loadmat(data / MPII_MAT)['headboxes_src']
    savemat(data / MPII_MAT, dict(headboxes_src=heads))
    check(data, 'mpii', '--any-count')
    assert len(re.findall(r'mpii +│ (train|val) .*│ ok', capsys.readouterr().out)) == 2


# ---------------------------------------------------------------------------------------- pictures


def picture_of(root, row):
    content = json.loads((root / COCO_VAL).read_text())
    return root / 'coco/val2017' / content['images'][row]['file_name']


def missing(root):
    for row in (0, 2):
        picture_of(root, row).unlink()


def cut_off(root):
    path = picture_of(root, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # the size and the first rows are complete


def no_jpeg(root):
    picture_of(root, 1).write_text('<html>not found</html>')


def resized(root):
    path = picture_of(root, 1)
    with Image.open(path) as image:
        image.resize((64, 48)).save(path)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (missing, r'500001.jpg \(row 0\) is missing \(2 in total, also .*500003.jpg \(row 2\)\): '),
        (cut_off, '500002.jpg is cut off or damaged: download'),
        (no_jpeg, '500002.jpg cannot be read by OpenCV, which training uses: download'),
        (resized, r'500002.jpg \(64x48, not \d+x\d+\) has another size than in its annotations: '),
    ],
)
def test_damaged_pictures_are_reported(data, capsys, damage, message):
    damage(data)
    assert re.search(message, findings(capsys, data, 'coco').out)


def test_only_some_pictures_are_opened_but_all_must_exist(data, capsys):
    no_jpeg(data)  # the second of three
    check(data, 'coco', '--any-count', '--images', '2')  # first and last
    picture_of(data, 1).unlink()
    assert 'is missing' in findings(capsys, data, 'coco', '--images', '0').out


# -------------------------------------------------------------------------------- real annotations


@pytest.fixture
def samples(tmp_path):
    """Links to the sample data, in the places where the configs of the datasets expect them."""
    folder = os.environ.get('VITPOSE_SAMPLES')
    if not folder:
        pytest.skip('VITPOSE_SAMPLES is not set: set it to the folder of the sample pictures')
    given = {
        'aic': dict(ann_file='test_aic.json'),
        'ap10k': dict(ann_file='test_ap10k.json'),
        'coco': dict(ann_file='test_coco.json', bbox_file='test_coco_det_AP_H_56.json'),
        'coco_wholebody': dict(
            ann_file='test_coco_wholebody.json', bbox_file='test_coco_det_AP_H_56.json'
        ),
        'crowdpose': dict(
            ann_file='test_crowdpose.json', bbox_file='test_crowdpose_det_AP_40.json'
        ),
        'interhand2d': dict(
            ann_file='test_interhand2.6m_data.json',
            camera_param_file='test_interhand2.6m_camera.json',
            joint_file='test_interhand2.6m_joint_3d.json',
        ),
        'mpii': dict(ann_file='test_mpii.json'),
        'ochuman': dict(ann_file='test_ochuman.json'),
    }
    for name, _, part, _ in parts(list(given), str(tmp_path)):
        own = Path(part['data_root'])
        source = Path(folder) / own.name
        for field, file in given[name].items():
            if part.get(field):
                link(own / part[field], source / file)
        link(own / part['data_prefix']['img'], source)
        if part.get('headbox_file'):
            people = len(json.loads((source / 'test_mpii.json').read_text()))
            arrays = dict(
                headboxes_src=np.zeros((2, 2, people)),
                jnt_missing=np.zeros((16, people)),
                pos_gt_src=np.zeros((16, 2, people)),
            )
            savemat(part['headbox_file'], arrays)
    return tmp_path, list(given)


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink():
        path.symlink_to(target)


@pytest.mark.real
def test_real_annotations_of_every_dataset_are_ok(samples, capsys):
    root, names = samples
    check(root, *names, '--any-count', '--images', 'all')
    out = capsys.readouterr().out
    assert out.count('│ ok') == 18
    assert re.search(r'interhand2d +│ val +│ +4 │ +4 │ +6 │ ok', out)  # two pictures have two hands
    assert re.search(r'crowdpose +│ val +│ +2 │ +5 │ +\d │ ok', out), out
