"""Only the last used value is in memory."""

import weakref

from vitpose_plus.app.memory import LastUsed


class Model:
    """A small object in place of a model."""

    def __init__(self):
        self.itself = self  # only the garbage collector frees it


def test_only_the_last_model_is_in_memory():
    """The first model is freed before the second one is made."""
    kept, made, alive = LastUsed(), [], []

    def make():
        alive.append(sum(each() is not None for each in made))
        model = Model()
        made.append(weakref.ref(model))
        return model

    for key in 'aabba':
        assert kept.get(key, make) is made[-1]()
    assert alive == [0, 0, 0]
