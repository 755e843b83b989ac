"""new-dataset --add: the training grows, and everything else is as if all labels came at once."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.label_files import (
    LINKS,
    NAMES,
    box_of,
    coco_content,
    write_json,
    write_rows,
    write_table,
)
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.datasets.labels import LabelledInstance, LabelledPicture, Labels
from vitpose_plus.datasets.multi_dataset import unread
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.experiments.new_dataset.options import CHECKED
from vitpose_plus.experiments.new_dataset.places import FILES
from vitpose_plus.experiments.new_dataset.recording import read_options, recorded_labels
from vitpose_plus.visualization import labels

ROOT = Path('pictures')
WRITTEN = ('dataset.py', 'config.py', 'held_out.txt', 'annotations/train.json')
OF = ('--expert-of', 'vitpose-plus-tiny_figures-256x192', 'start.pth', '--like', 'ap10k')
HELD_OUT = 'pictures/film/1.png'


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """Pictures 0 to 7, labelled in old.json (0 to 3), more.json (4, 5) and last.json (6, 7)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(labels, 'draw_labels', lambda *words: words[-1].touch())
    (ROOT / 'film').mkdir(parents=True)
    Path('start.pth').symlink_to(FILE)
    Path('held.txt').write_text(f'{HELD_OUT}\n')
    write('old.json', range(4))
    write('more.json', (4, 5))
    write('last.json', (6, 7))


def picture(number):
    """A picture of noise with one animal."""
    rng = np.random.default_rng(number)
    path, size = ROOT / f'film/{number}.png', (64, 48)
    noise = rng.integers(0, 255, (*size[::-1], 3), np.uint8)
    if not path.exists():
        Image.fromarray(noise).save(path)
    points = np.array([[10.5, 20, 2], [14, 16.25, 2], [15, 22, 2], [30, 21.5, 2]])
    points[:, :2] += rng.integers(-5, 15, 2)
    return LabelledPicture(path, size, [LabelledInstance(points, box_of(points))])


def labels_of(numbers):
    return Labels(NAMES, LINKS, [picture(number) for number in numbers])


def write(name, numbers):
    return write_json(Path(name), coco_content(labels_of(numbers), Path()))


def changed(name, change):
    """Changes the content of a json file."""
    content = json.loads(Path(name).read_text())
    change(content)
    Path(name).write_text(json.dumps(content))


def make(*words):
    main(['new-dataset', 'mouse', 'old.json', *words, '--held-out', 'held.txt'])


def add(*words):
    main(['new-dataset', 'mouse', '--add', *words])


def images(folder, part):
    content = json.loads(Path(folder, f'annotations/{part}.json').read_text())
    return [image['file_name'] for image in content['images']]


def trained(folder='mouse'):
    return images(folder, 'train')


def texts(folder, names=(*WRITTEN, 'annotations/val.json')):
    return {name: Path(folder, name).read_bytes() for name in names}


def refused(capsys, *words):
    """The message of a refusal that writes nothing."""
    before = {path: path.read_bytes() for path in Path().rglob('*') if path.is_file()}
    with pytest.raises(SystemExit) as stop:
        add(*words)
    assert stop.value.code == 2
    assert {path: path.read_bytes() for path in Path().rglob('*') if path.is_file()} == before
    return capsys.readouterr().err.removeprefix('error: ')


@pytest.mark.parametrize(
    'options',
    [
        (),
        ('--boxes', 'points', '--swap', 'snout=tailbase', '--links', 'leftear=rightear'),
        ('--boxes', 'refine', '--no-flip', '--category', 'mouse', '--pictures', 'pictures'),
        ('--pretrained', 'start.pth', '--expert', 'ap10k'),
        (*OF, '--train', 'last-2', '--boxes', 'whole'),
    ],
    ids=['no option', 'points', 'refine', 'pretrained', 'expert'],
)
def test_one_after_the_other_is_the_same_as_all_at_once(options):
    make('last.json', 'more.json', *options, '--out', 'at_once')
    make(*options)
    before = texts('mouse', ('held_out.txt', 'annotations/val.json'))
    assert trained() == ['0.png', '2.png', '3.png']
    add('last.json', 'more.json')
    assert texts('mouse') == texts('at_once')
    assert trained() == [f'{number}.png' for number in (0, 2, 3, 6, 7, 4, 5)]
    make(*options, '--out', 'in_two_steps')
    add('last.json', '--out', 'in_two_steps')
    add('more.json', '--out', 'in_two_steps')
    assert texts('in_two_steps') == texts('at_once')
    assert texts('mouse', before) == before


def test_all_labels_are_read_again_after_an_addition():
    make()
    add('more.json')
    options = read_options(Path('mouse'))
    assert [group.files for group in options.groups] == [(Path('old.json'),), (Path('more.json'),)]
    paths = [each.path for each in recorded_labels(Path('mouse')).pictures]
    assert paths == [ROOT / f'film/{number}.png' for number in range(6)]


def test_pictures_of_another_place_do_not_change_the_held_out_ones():
    make()
    names = ('held_out.txt', 'annotations/val.json', 'dataset.py')
    before = texts('mouse', names)
    shutil.copytree('pictures', 'elsewhere/pictures')
    for number in range(8):
        picture = Path(f'elsewhere/pictures/film/{number}.png')
        Image.new('RGB', (64, 48), (number, 0, 0)).save(picture)
    shutil.copy('more.json', 'elsewhere')
    shutil.copy('old.json', 'elsewhere')
    add('elsewhere/more.json')
    add('elsewhere/old.json')  # the names of all its pictures are those of other pictures
    assert texts('mouse', names) == before
    assert trained()[3:] == [f'../../elsewhere/pictures/film/{n}.png' for n in (4, 5, 0, 1, 2, 3)]
    part = unread(load_config('mouse/config.py').train_dataloader.dataset.dataset)
    part.full_init()
    assert all(Path(part.get_data_info(i)['img_path']).is_file() for i in range(9))


def test_a_copy_of_a_picture_is_left_out(capsys):
    make()
    before = texts('mouse', ('held_out.txt', 'annotations/val.json'))
    for number, source in ((20, HELD_OUT), (21, 'pictures/film/2.png'), (22, HELD_OUT)):
        shutil.copy(source, ROOT / f'film/{number}.png')
    capsys.readouterr()
    write('copies.json', (20, 4, 21, 22))
    add('copies.json')
    out = capsys.readouterr().out
    assert 'New: 1 pictures, all for the training.' in out
    assert '3 pictures are left out, as the dataset has them already.' in out
    assert 'Those that are held out (2) stay so.' in out
    held_out = Path(HELD_OUT).read_bytes()
    assert all((ROOT / 'film' / name).read_bytes() != held_out for name in trained())
    assert texts('mouse', before) == before
    assert [each.path.name for each in recorded_labels(Path('mouse')).pictures] == [
        f'{number}.png' for number in (0, 1, 2, 3, 4)
    ]


def test_a_picture_that_is_labelled_again_keeps_its_label(capsys):
    make()
    write('again.json', (1, 2, 4))
    before = json.loads(Path('mouse/annotations/train.json').read_text())['annotations']
    changed('again.json', lambda content: content['annotations'][1]['keypoints'].__setitem__(0, 9))
    add('again.json')
    assert '2 pictures are left out, as the dataset' in capsys.readouterr().out
    after = json.loads(Path('mouse/annotations/train.json').read_text())['annotations']
    assert after[:3] == before
    assert trained() == ['0.png', '2.png', '3.png', '4.png']


def test_corrected_labels_are_read_and_the_user_is_told_if_pictures_are_held_out(capsys):
    def correct(row):
        changed('old.json', lambda content: content['annotations'][row]['keypoints'].insert(0, 9))
        changed('old.json', lambda content: content['annotations'][row]['keypoints'].pop(1))

    def first_x(part):
        content = json.loads(Path(f'mouse/annotations/{part}.json').read_text())
        return content['annotations'][0]['keypoints'][0]

    make()
    before = texts('mouse', ('annotations/val.json',))
    correct(0)
    add('more.json')
    assert 'have new labels' not in capsys.readouterr().out
    assert first_x('train') == 9
    assert texts('mouse', before) == before
    correct(1)
    add('last.json')
    assert '1 held-out pictures have new labels: compare no errors' in capsys.readouterr().out
    assert first_x('val') == 9


def test_labels_that_grew_since_are_taken_in_as_new_ones(capsys):
    make()
    shutil.copy(HELD_OUT, ROOT / 'film/23.png')
    write('old.json', (7, 0, 23, 1, 2, 3))
    before = texts('mouse', ('held_out.txt', 'annotations/val.json'))
    add('more.json')
    assert trained() == [f'{number}.png' for number in (0, 2, 3, 7, 4, 5)]
    assert texts('mouse', before) == before
    write('more.json', (4, 5, 6))
    add('more.json')
    assert trained()[-1] == '6.png'
    assert len(read_options(Path('mouse')).added) == 1  # it was recorded before


def test_files_that_were_added_before_are_read_once(capsys):
    make()
    add('more.json')
    write('more.json', (4, 5, 6))
    capsys.readouterr()
    add('more.json')
    printed = capsys.readouterr().out
    assert 'New: 1 pictures, all for the training.' in printed
    assert 'left out' not in printed
    assert len(read_options(Path('mouse')).added) == 1
    assert len(trained()) == 3 + 3


def test_an_annotation_file_that_is_gone_is_named_also_with_force(capsys):
    make()
    Path('mouse/annotations/val.json').unlink()
    message = refused(capsys, 'more.json', '--force')
    assert 'val.json is not as new-dataset writes it: run new-dataset with all labels' in message


def test_lost_pictures_are_refused_and_left_out_with_force(capsys):
    make()
    add('more.json')
    write('more.json', (5,))
    message = refused(capsys, 'last.json')
    assert message.startswith('mouse has 1 pictures, for example 4.png, which its label files do')
    add('last.json', '--force')
    assert '1 pictures are lost, because their labels were removed.' in capsys.readouterr().out
    assert trained() == [f'{number}.png' for number in (0, 2, 3, 5, 6, 7)]
    assert images('mouse', 'val') == ['1.png']
    write('old.json', (0, 2, 3))
    message = 'mouse holds out the picture 1.png, which its label files do not label now'
    assert refused(capsys, 'more.json', '--force').startswith(message)


@pytest.mark.parametrize(
    'text', ['{}', '[]', '{"images": [{}]}', '{"images": [], "annotations": [{}]}']
)
def test_annotations_of_another_tool_are_refused_also_with_force(text, capsys):
    make()
    Path('mouse/annotations/val.json').write_text(text)
    message = 'mouse/annotations/val.json is not as new-dataset writes it: run new-dataset with'
    assert refused(capsys, 'more.json', '--force').startswith(message)


@pytest.mark.parametrize('name', CHECKED)
def test_a_file_that_was_changed_by_hand_is_replaced_only_with_force(name, capsys):
    make()
    path = Path('mouse', name)
    original = path.read_bytes()
    path.write_bytes(original + b'\n')
    message = refused(capsys, 'more.json')
    assert message.startswith(f'{path} was changed since new-dataset wrote it: write it anew with')
    add('more.json', '--force')
    assert len(trained()) == 5
    add('last.json')
    path.unlink()
    assert refused(capsys, 'last.json').startswith(f'{path} was changed since')


def test_a_table_without_some_keypoints_and_without_categories_is_added():
    make()
    made = labels_of((4,))
    made.pictures[0].instances[0].points[0] = 0
    write_table(made, Path())
    rows = Path('labels.csv').read_text().splitlines()
    Path('labels.csv').write_text('\n'.join([rows[0], *reversed(rows[2:])]))
    changed('mouse/options.json', lambda content: content.update(boxes='points'))
    add('labels.csv')
    [given] = made.pictures[0].instances
    [read] = recorded_labels(Path('mouse')).pictures[-1].instances
    assert np.array_equal(read.points, given.points)


def rename(content):
    content['categories'][0]['keypoints'][2] = 'nose'


def reorder(content):
    content['categories'][0]['keypoints'].reverse()


def of_another_kind(content):
    content['categories'][0]['name'] = 'rat'


def without_boxes(content):
    for one in content['annotations']:
        one['bbox'] = [0, 0, 0, 0]


def test_the_category_of_added_labels_may_have_the_name_of_the_dataset():
    """``suggest`` writes it."""
    for name in ('old.json', 'last.json'):
        changed(name, of_another_kind)
    make()
    add('more.json')
    add('last.json')
    assert len(trained()) == 3 + 4
    assert len(recorded_labels(Path('mouse')).pictures) == 8


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (rename, 'more.json has other keypoints than old.json (it also has nose and does not have'),
        (reorder, 'more.json has its keypoints in another order (tailbase, rightear, leftear, sn'),
        (
            of_another_kind,
            'more.json has no label of the category mouse: the labelled ones are',
        ),
        (without_boxes, 'more.json: The labels have instances without a box: draw all boxes'),
    ],
)
def test_labels_that_do_not_fit_are_refused(change, message, capsys):
    make()
    changed('more.json', change)
    assert refused(capsys, 'more.json').startswith(message)


def test_names_that_no_file_declares_must_be_those_of_the_first_labels(capsys):
    for name, keypoint in (('first.csv', 'snout'), ('next.csv', 'nose')):
        number = ('first.csv', 'next.csv').index(name)
        rows = [(f'{each}.png', keypoint, 5, 5) for each in (3 * number, 3 * number + 1)]
        write_rows(Path(name), [('picture', 'keypoint', 'x', 'y'), *rows])
    Path('held.txt').write_text('0.png\n')
    main(['new-dataset', 'mouse', 'first.csv', '--pictures', 'pictures', '--held-out', 'held.txt'])
    message = refused(capsys, 'next.csv', '--pictures', 'pictures')
    assert 'next.csv (line 2) has the keypoint nose, which first.csv does not have' in message


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (
            ('more.json', '--boxes', 'points'),
            '--add uses the options of mouse again: leave out',
        ),
        (('more.json', '--seed', '0'), '--add uses the options of mouse again: leave out --seed.'),
        (('more.json', '--no-flip'), '--add uses the options of mouse again: leave out --no-flip.'),
        (('more.json', '--swap', 'a=b'), '--add uses the options of mouse again: leave out --swap'),
        (('old.json',), 'old.json: mouse has all these pictures already: label others, or, after'),
        (
            ('more.json', '--out', 'rat'),
            'rat is not a folder: make it first, with new-dataset',
        ),
        (
            ('more.json', '--out', 'other'),
            'other is the folder of the dataset rat: give this',
        ),
        (('more.json', '--out', 'early'), 'early has no options.json: run new-dataset with all la'),
        (('nothing.json',), 'nothing.json does not exist: correct the path.'),
    ],
)
def test_wrong_arguments_are_refused(words, message, capsys):
    make()
    shutil.copytree('mouse', 'early')
    Path('early/options.json').unlink()
    shutil.copytree('mouse', 'other')
    changed('other/options.json', lambda content: content.update(name='rat'))
    assert refused(capsys, *words).startswith(message)


def test_labels_are_given_either_with_add_or_without(capsys):
    make()
    with pytest.raises(SystemExit):
        main(['new-dataset', 'mouse', 'old.json', '--add', 'more.json'])
    assert '--add uses the options of mouse again: leave out LABELS.' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['new-dataset', 'mouse', '--force'])
    assert 'the following arguments are required: LABELS' in capsys.readouterr().err
    main(['new-dataset', 'mouse', '--force', 'old.json'])  # LABELS after an option


def test_an_error_while_writing_leaves_the_folder_as_it_was(capsys, monkeypatch):
    def fail(*words):
        raise UserError('The disk is full.')

    make()
    monkeypatch.setattr(labels, 'draw_labels', fail)
    assert refused(capsys, 'more.json') == 'The disk is full.\n'
    assert sorted(path.name for path in Path('mouse').iterdir()) == sorted(FILES)


def test_a_label_file_that_is_gone_is_named(capsys):
    make()
    Path('old.json').rename('moved.json')
    message = 'mouse/options.json names old.json, which is missing: restore it, or run new-dataset'
    assert refused(capsys, 'more.json').startswith(message)


def test_a_project_that_was_moved_takes_labels_in(tmp_path, monkeypatch):
    make()
    before = texts('mouse', ('held_out.txt', 'annotations/val.json', 'dataset.py'))
    place = tmp_path / 'new place'
    place.mkdir()
    for name in ('mouse', 'pictures', 'old.json', 'more.json'):
        shutil.move(name, place / name)
    monkeypatch.chdir('/')
    add(str(place / 'more.json'), '--out', str(place / 'mouse'))
    assert texts(place / 'mouse', before) == before
    assert trained(place / 'mouse') == [f'{number}.png' for number in (0, 2, 3, 4, 5)]
