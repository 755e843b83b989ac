"""Pictures that come along: one person, for `vitpose weights --check NAME`.

``astronaut.jpg`` (256x256 pixels) is a photograph of NASA in the public domain, from scikit-image
0.26 (``skimage.data.astronaut``, which has it from https://flic.kr/p/r9qvLn), half as large.
"""

from pathlib import Path

ASTRONAUT = Path(__file__).with_name('astronaut.jpg')
