"""Counts of labels."""

from vitpose_plus.datasets.labels import Labels


def test_most_instances(place):
    assert place.labels.most_instances == 2
    place.labels.pictures[1].instances.clear()
    assert place.labels.most_instances == 1
    assert Labels(('a',), (), []).most_instances == 0


def test_counts_of_labelled_points(place):
    """Three whole animals, and one with only the keypoints 0 and 2."""
    assert place.labels.counts == dict(snout=4, leftear=3, rightear=4, tailbase=3)
    place.labels.pictures[0].instances[0].points[2, 2] = 1  # a hidden point is labelled
    place.labels.pictures[2].instances[0].points[0] = 0
    assert place.labels.counts == dict(snout=3, leftear=3, rightear=4, tailbase=3)


def test_counts_without_labels():
    assert Labels(('a', 'b'), (), []).counts == dict(a=0, b=0)
