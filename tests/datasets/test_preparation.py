"""Official files are converted for the dataset classes: either completely or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmpose.registry import DATASETS
from PIL import Image

from vitpose_plus.commands import main
from vitpose_plus.datasets.preparation import sources
from vitpose_plus.datasets.preparation.apt36k import _split

AIC_IMAGES = 'ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902'
AIC_FILE = 'keypoint_train_annotations_20170909.json'


def picture(path, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size).save(path)


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def fails(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        main(['prepare-data', *map(str, argv)])
    assert stop.value.code == 2
    return capsys.readouterr().err


def joints(*visibilities):
    """14 joints x, y, v of AI Challenger at (10 + i, 5 + i): first the given v, then unlabelled."""
    v = [*visibilities, *[3] * (14 - len(visibilities))]
    return [number for i in range(14) for number in (10 + i, 5 + i, v[i])]


@pytest.fixture
def aic(tmp_path):
    """(raw entry, root): two people; the tenth comes before the second in the file."""
    root = tmp_path / 'aic'
    picture(root / AIC_IMAGES / 'abc.jpg')
    entry = dict(
        url='http://nowhere/abc.jpg',
        image_id='abc',
        human_annotations=dict(human10=[20, 4, 30, 28], human2=[2, 3, 22, 27]),
        keypoint_annotations=dict(human2=joints(1, 2, 3, 1), human10=joints(1)),
    )
    return entry, root


def test_aic_is_converted(aic, capsys):
    entry, root = aic
    source = put(root / AIC_IMAGES / '..' / AIC_FILE, [entry])
    main(['prepare-data', 'aic', str(source), str(root)])
    out = json.loads((root / 'annotations/aic_train.json').read_text())
    assert out['images'] == [dict(id=1, file_name='abc.jpg', width=40, height=30)]
    second, tenth = out['annotations']
    assert second['bbox'] == [2, 3, 20, 24]  # x, y, width, height
    assert second['area'] == 480
    assert second['num_keypoints'] == 3
    # visible 1 -> 2, hidden 2 -> 1, not labelled 3 -> 0
    assert second['keypoints'][:12] == [10, 5, 2, 11, 6, 1, 0, 0, 0, 13, 8, 2]
    assert second['keypoints'][12:] == [0] * 30
    assert (tenth['id'], tenth['image_id'], tenth['bbox']) == (2, 1, [20, 4, 10, 24])
    assert '1 images, 2 instances' in capsys.readouterr().out


def test_converted_aic_is_read_by_its_class(aic):
    entry, root = aic
    put(root / 'somewhere' / AIC_FILE, [entry])
    main(['prepare-data', 'aic', str(root), str(root)])  # found at any depth
    dataset = DATASETS.build(
        dict(
            type='AicDataset',
            data_root=str(root),
            ann_file='annotations/aic_train.json',
            data_prefix=dict(img=AIC_IMAGES + '/'),
            pipeline=[],
        )
    )
    info = dataset.get_data_info(0)
    np.testing.assert_array_equal(info['bbox'], [[2, 3, 22, 27]])
    np.testing.assert_array_equal(info['keypoints_visible'][0], [1, 1, 0, 1] + [0] * 10)
    assert Path(info['img_path']).is_file()
    names = json.loads((root / 'annotations/aic_train.json').read_text())['categories'][0]
    assert names['keypoints'] == list(dataset.metainfo['keypoint_id2name'].values())


def no_picture(entry, root):
    (root / AIC_IMAGES / 'abc.jpg').unlink()


def broken_picture(entry, root):
    (root / AIC_IMAGES / 'abc.jpg').write_text('no picture')


def no_keypoints(entry, root):
    del entry['keypoint_annotations']['human2']


def few_keypoints(entry, root):
    entry['keypoint_annotations']['human2'].pop()


def unknown_visibility(entry, root):
    entry['keypoint_annotations']['human2'][2] = 7


def no_box(entry, root):
    del entry['human_annotations']


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (no_picture, 'abc.jpg is missing: unpack the official pictures there first.'),
        (broken_picture, 'abc.jpg cannot be opened: download or unpack it again.'),
        (no_keypoints, "entry 1 differs from the official file (KeyError: 'human2')"),
        (few_keypoints, '(ValueError: 41 numbers for 14 keypoints)'),
        (unknown_visibility, '(KeyError: 7)'),
        (no_box, "(KeyError: 'human_annotations')"),
    ],
)
def test_bad_files_of_aic_are_refused_by_a_sentence_and_nothing_is_written(
    aic, capsys, damage, message
):
    entry, root = aic
    damage(entry, root)
    source = put(root / AIC_FILE, [entry])
    assert message in fails(capsys, 'aic', source, root)
    assert not (root / 'annotations').exists()


def test_files_of_aic_are_recognised_by_their_names(aic, capsys):
    entry, root = aic
    other = put(root / 'annotations.json', [entry])
    assert 'must start with keypoint_train or' in fails(capsys, 'aic', other, root)
    assert 'contains no keypoint_*_annotations_*.json' in fails(capsys, 'aic', root, root)
    put(root / 'a' / AIC_FILE, [entry])
    put(root / 'b' / AIC_FILE, [entry])
    assert 'contains two files of train: give one' in fails(capsys, 'aic', root, root)
    table = put(root / 'c' / AIC_FILE, dict(images=[]))
    assert 'is not a list of images' in fails(capsys, 'aic', table, root)


def test_existing_files_are_kept_without_force(aic, capsys):
    entry, root = aic
    source = put(root / AIC_FILE, [entry])
    mine = put(root / 'annotations/aic_train.json', 'precious')
    assert 'exists: give another name, or replace it with --force' in fails(
        capsys, 'aic', source, root
    )
    assert json.loads(mine.read_text()) == 'precious'
    main(['prepare-data', 'aic', str(source), str(root), '--force'])
    assert len(json.loads(mine.read_text())['images']) == 1
    assert [path.name for path in mine.parent.iterdir()] == [mine.name]


def test_a_dataset_without_preparation_is_refused(tmp_path, capsys):
    message = fails(capsys, 'mpii', tmp_path, tmp_path)
    assert 'nothing to prepare for mpii, only for aic, apt36k: see docs/datasets.md' in message


def test_all_files_are_written_or_none(tmp_path):
    first, second = tmp_path / 'a.json', tmp_path / 'b.json'
    with pytest.raises(TypeError, match='not JSON serializable'):
        sources.write({first: {}, second: {'x': object()}})
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------- APT-36K

GARBLED = 'v2c21\u592a\u591a'  # the name in the raw file
ON_DISK = 'v2c21\u2560\u043b'  # the name that some versions of unzip give


def raw_apt36k(videos=10, frames=2):
    """The content of a raw file: one species; one of its clips has another name on disk."""
    images, annotations = [], []
    for video in range(videos):
        clip = GARBLED if video == 3 else f'v2c{video}'
        for frame in range(frames):
            number = len(images) + 1
            images.append(
                dict(
                    id=number,
                    video_id=100 + video,
                    file_name=f'D:\\label\\set\\antelope\\{clip}\\{frame}.jpg',
                )
            )
            annotations.append(
                dict(
                    id=number,
                    image_id=number,
                    video_id=100 + video,
                    category_id=1,
                    is_crowd=0,
                    bbox=[1, 2, 20, 10],
                    keypoints=[5, 6, 2] * 17,
                    num_keypoints=17,
                )
            )
    category = dict(id=1, name='antelope')
    return dict(info={}, categories=[category], images=images, annotations=annotations)


@pytest.fixture
def apt36k(tmp_path):
    """(raw content, root with its pictures)."""
    raw, root = raw_apt36k(), tmp_path / 'apt36k'
    for image in raw['images']:
        parts = image['file_name'].split('\\')[-3:]
        picture(root.joinpath(*parts[:1], parts[1].replace(GARBLED, ON_DISK), parts[2]))
    picture(root / 'antelope' / 'v2c210' / '0.jpg')  # a similar name, but another clip
    return raw, root


def test_apt36k_is_split_by_video_and_read_by_its_class(apt36k):
    raw, root = apt36k
    source = put(root / 'raw.json', raw)
    main(['prepare-data', 'apt36k', str(source), str(root)])
    videos, annotations = {}, 0
    for part in ('train', 'val', 'test'):
        file = f'annotations/{part}_annotations_1.json'
        content = json.loads((root / file).read_text())
        videos[part] = sorted({image['video_id'] for image in content['images']})
        ids = {image['id'] for image in content['images']}
        assert {a['image_id'] for a in content['annotations']} == ids
        annotations += len(content['annotations'])
        assert all('is_crowd' not in a and a['iscrowd'] == 0 for a in content['annotations'])
        dataset = DATASETS.build(
            dict(
                type='APT36KDataset',
                data_root=str(root),
                ann_file=file,
                data_prefix=dict(img=''),
                pipeline=[],
            )
        )
        assert len(dataset) == len(ids)
        assert all(Path(dataset.get_data_info(i)['img_path']).is_file() for i in range(len(ids)))
        assert {(i['width'], i['height']) for i in content['images']} == {(40, 30)}
    assert videos == dict(train=list(range(100, 107)), val=[107], test=[108, 109])
    assert annotations == 20
    names = {i['file_name'] for i in json.loads((root / file).read_text())['images']}
    assert names == {f'antelope/v2c{clip}/{frame}.jpg' for clip in (8, 9) for frame in (0, 1)}


@pytest.mark.parametrize('frames', [1, 2, 15])
@pytest.mark.parametrize('videos', [1, 2, 7, 40, 80])
def test_every_video_is_in_one_part_and_shares_are_counted_in_images(frames, videos):
    """Borders are at 0.7 and 0.8 of the images; a video on a border is in the earlier part."""
    images = [('cat', v) for v in range(videos) for _ in range(frames)]
    parts = _split([*images, *[('dog', 1000 + v) for _, v in images]])
    assert len(parts) == 2 * videos
    order = [parts[v] for v in range(videos)]
    assert [parts[1000 + v] for v in range(videos)] == order  # every species by itself
    assert order == sorted(order, key=['train', 'val', 'test'].index)
    total = videos * frames
    train = order.count('train') * frames
    assert 0.7 * total - 1 < train < 0.7 * (total + 1) + frames
    assert 0.8 * total - 1 < train + order.count('val') * frames < 0.8 * (total + 1) + frames


def test_a_video_of_two_species_is_in_one_part():
    """As in PoseBH's rule, it is in the earlier part, wherever its images are."""
    images = [('cat', v) for v in range(10)] + [('dog', v) for v in (20, 21, 22, 9)]
    assert _split(images)[9] == 'val'
    images = [('cat', v) for v in range(10)] + [('dog', v) for v in (9, 21, 22, 23)]
    assert _split(images)[9] == 'train'


def no_frame(raw, root):
    (root / 'antelope' / 'v2c5' / '1.jpg').unlink()


def no_clip(raw, root):
    (root / 'antelope' / 'v2c5').rename(
        root / 'antelope' / 'v2c5_old'
    )  # not searched: the name has only ASCII characters


def no_garbled_clip(raw, root):
    (root / 'antelope' / ON_DISK).rename(root / 'antelope' / 'v2c22')


def two_garbled_clips(raw, root):
    picture(root / 'antelope' / 'v2c21\u0438' / '0.jpg')


def no_video(raw, root):
    del raw['images'][4]['video_id']


def no_images(raw, root):
    raw['images'] = []


def unknown_image(raw, root):
    raw['annotations'][3]['image_id'] = 999


def short_name(raw, root):
    raw['images'][2]['file_name'] = '0.jpg'


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (no_frame, 'antelope/v2c5/1.jpg is missing: unpack the official pictures as'),
        (no_clip, 'antelope/v2c5 is missing: unpack'),
        (no_garbled_clip, f'antelope/{GARBLED} is missing: unpack'),
        (two_garbled_clips, 'could be any of the folders v2c21\u0438, v2c21\u2560'),
        (no_video, 'images[4] has no video_id: give the raw apt36k_annotations.json.'),
        (no_images, 'contains no images: give the raw apt36k_annotations.json.'),
        (unknown_image, 'the annotation 4 has the image_id 999, which is not in the file'),
        (short_name, "the file_name '0.jpg' does not end in species, clip and frame"),
    ],
)
def test_bad_files_of_apt36k_are_refused_by_a_sentence_and_nothing_is_written(
    apt36k, capsys, damage, message
):
    raw, root = apt36k
    damage(raw, root)
    source = put(root / 'raw.json', raw)
    assert message in fails(capsys, 'apt36k', source, root)
    assert not (root / 'annotations').exists()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'does not exist: give the official annotation file.'),
        ('{"images": [', 'cannot be read as json'),
        ('[]', 'contains no images'),
    ],
)
def test_a_file_that_is_not_the_raw_file(tmp_path, capsys, text, message):
    source = tmp_path / 'raw.json'
    if text is not None:
        source.write_text(text)
    assert message in fails(capsys, 'apt36k', source, tmp_path)
