"""Groups of label files: copies are found by their content, names are those of the first group."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.label_files import HAVE_LINKS, LINKS, NAMES, WRITERS, example
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.datasets.labels.copies import Contents, joined
from vitpose_plus.datasets.labels.reading import LabelFiles, read_groups


def test_equal_contents_are_found_and_files_of_other_sizes_are_not_read(tmp_path, monkeypatch):
    contents = dict(a=b'one', b=b'two', c=b'one', d=b'longer', e=b'one')
    paths = {name: tmp_path / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    known = Contents([paths['a'], paths['b'], paths['e']])
    assert known.equal(paths['c']) == [paths['a'], paths['e']]
    assert known.equal(paths['b']) == [paths['b']]
    monkeypatch.setattr('builtins.open', None)
    assert known.equal(paths['d']) == []


@pytest.mark.parametrize('form', sorted(WRITERS))
@pytest.mark.parametrize('first', ['coco', 'table'])
def test_a_group_of_any_format_fits_a_first_group(first, form, tmp_path):
    """The first group decides the names; the second has copies of its pictures, so adds none."""
    groups = []
    for name, folder in ((first, 'one'), (form, 'two')):
        root = tmp_path / folder
        files = WRITERS[name](example(root), root)
        groups.append(LabelFiles(tuple(files), root))
    one, two = read_groups(groups)
    alone = read_labels(groups[1].files, groups[1].pictures)
    assert one.names == two.names == NAMES
    order = [alone.names.index(name) for name in NAMES]
    for mine, its in zip(two.pictures, alone.pictures, strict=True):
        assert mine.path == its.path
        for point, other in zip(mine.instances, its.instances, strict=True):
            assert np.array_equal(point.points, other.points[order])
    whole = joined([one, two])
    assert [picture.path for picture in whole.pictures] == [each.path for each in one.pictures]
    assert whole.links == (LINKS if {first, form} & HAVE_LINKS else ())


def test_groups_may_have_the_same_picture_and_the_label_of_the_first_is_taken(tmp_path):
    made = example(tmp_path)
    [file] = WRITERS['coco'](made, tmp_path)
    again = Path(shutil.copy(file, tmp_path / 'again.json'))
    again.write_text(again.read_text().replace('10.5', '11.5'))
    groups = [LabelFiles((path,), tmp_path) for path in (file, again)]
    one, two = read_groups(groups)
    assert two.pictures[0].instances[0].points[0, 0] == 11.5
    assert joined([one, two]).pictures == one.pictures
