"""Pictures are decoded as in training and tests; broken pictures are refused."""

import io
import math
import struct
import zlib
from contextlib import suppress

import cv2
import mmcv
import numpy as np
import pytest
from mmpose.datasets.transforms import LoadImage
from PIL import Image, ImageOps

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources import open_sources
from vitpose_plus.inference.sources.decoding import decode, of_pillow

# The corners of this picture have different colours.
COARSE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
RGB = cv2.resize(COARSE, (47, 33), interpolation=cv2.INTER_CUBIC)
IMAGE = Image.fromarray(RGB)
DEEP = np.random.default_rng(0).integers(0, 65536, (33, 47), np.uint16)
ALPHA = Image.fromarray(np.dstack([RGB, np.linspace(0, 255, 33 * 47).reshape(33, 47).astype('u1')]))
FRAMES = [IMAGE, IMAGE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def turned(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(IMAGE, kind, exif=exif)


def opencv(ending, array):
    return cv2.imencode(ending, array)[1].tobytes()


READ = {
    'jpeg': saved(IMAGE, 'JPEG'),
    'progressive jpeg': saved(IMAGE, 'JPEG', progressive=True),
    'grey jpeg': saved(IMAGE.convert('L'), 'JPEG'),
    'cmyk jpeg': saved(IMAGE.convert('CMYK'), 'JPEG'),
    'png': saved(IMAGE, 'PNG'),
    'grey png': saved(IMAGE.convert('L'), 'PNG'),
    'black and white png': saved(IMAGE.convert('1'), 'PNG'),
    'palette png': saved(IMAGE.convert('P'), 'PNG'),
    'transparent png': saved(ALPHA, 'PNG'),
    'grey transparent png': saved(ALPHA.convert('LA'), 'PNG'),
    '16-bit grey png': opencv('.png', DEEP),
    '16-bit png': opencv('.png', np.dstack([DEEP, DEEP[::-1], DEEP[:, ::-1]])),
    '16-bit tiff': opencv('.tif', DEEP),
    'tiff': saved(IMAGE, 'TIFF'),
    'compressed tiff': saved(IMAGE, 'TIFF', compression='tiff_lzw'),
    'cmyk tiff': saved(IMAGE.convert('CMYK'), 'TIFF'),
    'gif': saved(IMAGE, 'GIF'),
    'animated gif': saved(IMAGE, 'GIF', save_all=True, append_images=FRAMES[1:]),
    'webp': saved(IMAGE, 'WEBP'),
    'animated webp': saved(IMAGE, 'WEBP', save_all=True, append_images=FRAMES[1:]),
    'transparent webp': saved(ALPHA, 'WEBP'),
    'bmp': saved(IMAGE, 'BMP'),
    'ppm': saved(IMAGE, 'PPM'),
    'jpeg 2000': saved(IMAGE, 'JPEG2000'),
    'one pixel': saved(IMAGE.crop((0, 0, 1, 1)), 'PNG'),
    'one row': saved(IMAGE.crop((0, 0, 47, 1)), 'JPEG'),
    'jpeg with a film behind it': saved(IMAGE, 'JPEG') + b'\0\0\0\x18ftypmp42' * 50,
    **{f'jpeg turned {n}': turned('JPEG', n) for n in range(10)},
    **{f'png turned {n}': turned('PNG', n) for n in range(1, 9)},
    **{f'webp turned {n}': turned('WEBP', n) for n in range(1, 9)},
    **{f'tiff turned {n}': turned('TIFF', n) for n in range(1, 9)},
}


@pytest.mark.parametrize('name', READ)
def test_pixels_are_the_same_as_in_training_and_tests(name, tmp_path):
    path = tmp_path / 'picture of\nany\udce9 ending'
    path.write_bytes(READ[name])
    image = decode(READ[name], name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, mmcv.imread(path))
    np.testing.assert_array_equal(image, LoadImage().transform(dict(img_path=str(path)))['img'])
    [picture] = open_sources(path)
    np.testing.assert_array_equal(picture.read(), image)


def test_pictures_are_rotated_according_to_exif():
    """The result equals that of Pillow, without loss."""
    for orientation in range(1, 9):
        content = turned('PNG', orientation)
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))[..., ::-1]
        assert (expected.shape[0] == 47) == (orientation > 4)
        np.testing.assert_array_equal(decode(content, 'a'), expected)


EXACT = [name for name in READ if 'png' in name or 'bmp' in name or '16-bit tiff' in name]


@pytest.mark.parametrize('name', EXACT)
def test_pil_images_have_the_pixels_of_their_files(name):
    [picture] = open_sources(Image.open(io.BytesIO(READ[name])))
    np.testing.assert_array_equal(picture.read(), decode(READ[name], name))


def test_the_upper_8_of_16_bits_are_used():
    np.testing.assert_array_equal(decode(READ['16-bit grey png'], 'a')[..., 1], DEEP >> 8)


@pytest.mark.parametrize('kind', ['TGA', 'ICO', 'PCX', 'SGI'])
def test_pillow_reads_formats_that_opencv_cannot(kind):
    image = IMAGE.resize((32, 32))
    content = saved(image, kind)
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is None
    read = decode(content, 'a')
    np.testing.assert_array_equal(read, np.asarray(image)[..., ::-1])


def test_floats_are_clipped_to_8_bits():
    content = saved(Image.fromarray(np.float32([[-5, 7.4, 300]])), 'TIFF')
    np.testing.assert_array_equal(decode(content, 'a')[0, :, 0], [0, 7, 255])


def message_of(content, capfd):
    with pytest.raises(UserError) as error:
        decode(content, 'NAME')
    output = capfd.readouterr()
    assert output.out + output.err == ''  # OpenCV's libraries write nothing, too
    return str(error.value)


WHOLE = [name for name in READ if not {'turned', 'film', 'pixel', 'animated'} & {*name.split()}]


@pytest.mark.parametrize('name', WHOLE)
def test_a_file_that_is_cut_off_anywhere_is_refused(name):
    """Exception: nothing is lost if the cut bytes at the end are not needed for decoding."""
    whole = READ[name]
    read = []
    for end in sorted({*np.linspace(1, len(whole) - 1, 25).astype(int).tolist(), len(whole) - 2}):
        with suppress(UserError):
            read.append(decode(whole[:end], 'NAME'))
    assert len(read) <= 3
    for image in read:
        np.testing.assert_array_equal(image, decode(whole, 'NAME'))


def png(width, height):
    def chunk(kind, content):
        crc = struct.pack('>I', zlib.crc32(kind + content))
        return struct.pack('>I', len(content)) + kind + content + crc

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0))
    pixels = zlib.compress(bytes(math.ceil(width / 8) + 1) * min(height, 9))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')


CUT = 'NAME is cut off or damaged: copy or download it again.'
NONE = 'NAME is no picture that OpenCV or Pillow can read: convert it, or leave it out.'
LARGE = 'NAME has more pixels than OpenCV and Pillow can open: make it smaller.'
BROKEN = {
    'empty': (b'', 'NAME is empty: copy or download it again.'),
    'a text': (b'Hello', NONE),
    'a web page': (b'<html>' * 99, NONE),
    'zeros': (bytes(999), NONE),
    'half a jpeg': (READ['jpeg'][: len(READ['jpeg']) // 2], CUT),
    'half a progressive jpeg': (READ['progressive jpeg'][:-200], CUT),
    'a jpeg with zeros at its end': (READ['jpeg'][:-300] + bytes(300), CUT),
    'a jpeg without its end': (READ['jpeg'][:-2], CUT),
    'the start of a jpeg': (READ['jpeg'][:20], NONE),
    'half a png': (READ['png'][: len(READ['png']) // 2], CUT),
    'half a bmp': (READ['bmp'][:-999], CUT),
    'half a webp': (READ['webp'][:-99], CUT),
    'half a gif': (READ['gif'][:-99], CUT),
    '4.9 billion pixels': (png(70_000, 70_000), LARGE),
}


@pytest.mark.parametrize('name', BROKEN)
def test_a_broken_picture_raises_one_sentence_without_other_output(name, capfd):
    content, message = BROKEN[name]
    assert message_of(content, capfd) == message


def test_a_png_with_a_wrong_checksum_is_refused():
    """Pillow could read it, but with wrong pixels."""
    damaged = bytearray(READ['png'])
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(UserError, match='NAME is cut off or damaged'):
        decode(bytes(damaged), 'NAME')


def test_the_log_level_of_opencv_is_restored():
    from cv2.utils import logging

    level = logging.getLogLevel()
    with pytest.raises(UserError):
        decode(READ['bmp'][:-99], 'a')
    assert logging.getLogLevel() == level != logging.LOG_LEVEL_SILENT


def test_a_wide_picture_is_read():
    assert decode(png(60_000, 9), 'a').shape == (9, 60_000, 3)


def test_pillow_images_are_bgr():
    np.testing.assert_array_equal(of_pillow(IMAGE), RGB[..., ::-1])
