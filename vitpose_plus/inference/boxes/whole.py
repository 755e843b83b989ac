"""One box around the whole picture."""

from collections.abc import Sequence

import numpy as np

from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.sources.picture import Picture


class WholePicture(BoxSource):
    """The same as mmpose's ``whole_image``: for pictures of one person or animal."""

    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        return [
            Boxes(
                xyxy=np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32),
                scores=np.ones(1, np.float32),
                labels=[None],
            )
            for image in images
        ]


class FirstLook(WholePicture):
    """The whole picture, as the first of two looks (``inference/two_looks.py``)."""
