"""Keeps only the last used model in memory."""

import gc
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch

Value = TypeVar('Value')


class LastUsed(Generic[Value]):
    """The value of one key. A value is removed before the value of another key is made."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Value] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns the value of a key, which ``make`` makes if another key was used last."""
        if key not in self._kept:
            self._kept.clear()
            gc.collect()
            torch.cuda.empty_cache()
            self._kept[key] = make()
        return self._kept[key]
