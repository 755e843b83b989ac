"""Included pictures: one person, for `vitpose weights --check NAME`.

``astronaut.jpg`` (256x256 pixels) is a photograph by NASA in the public domain, at half its size,
from scikit-image 0.26 (``skimage.data.astronaut``; original: https://flic.kr/p/r9qvLn).
"""

from pathlib import Path

ASTRONAUT = Path(__file__).with_name('astronaut.jpg')
