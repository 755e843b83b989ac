import json
import os.path as osp
from collections.abc import Iterator

import numpy as np
from mmpose.codecs.utils import camera_to_pixel
from mmpose.datasets.datasets import BaseCocoStyleDataset
from mmpose.registry import DATASETS

from vitpose_plus.errors import UserError

HANDS = 2  # in every array of the files, the joints of the right hand come first
MIN_JOINTS = 12  # a hand with fewer valid joints is not used
PADDING = 1.5 / 1.25  # factor on the box; ``GetBBoxCenterScale`` then multiplies by 1.25


@DATASETS.register_module()
class InterHand2DDataset(BaseCocoStyleDataset):
    """InterHand2.6M as single hands of 21 joints, in pixels; mmpose 1.x has only pairs of hands.

    A hand is an instance if its wrist and at least 12 joints are valid, as in mmpose 0.x, which the
    authors use. This includes each of two hands that interact. The box is the tightest box around
    the valid joints, and the crop is 1.5 times as large.

    Args:
        ann_file: ``InterHand2.6M_*_data.json``: images, and the valid joints.
        camera_param_file: ``InterHand2.6M_*_camera.json``: position and rotation (mm), focal
            lengths and principal points (pixels) of the cameras of every capture.
        joint_file: ``InterHand2.6M_*_joint_3d.json``: joints in world coordinates (mm).
    """

    METAINFO: dict = dict(from_file='configs/_base_/datasets/interhand2d.py')

    def __init__(
        self,
        camera_param_file: str,
        joint_file: str,
        ann_file: str = '',
        data_root: str | None = None,
        **kwargs,
    ) -> None:
        self.camera_param_file = osp.join(data_root or '', camera_param_file)
        self.joint_file = osp.join(data_root or '', joint_file)
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        content, cameras, joints = (
            _read(path) for path in (self.ann_file, self.camera_param_file, self.joint_file)
        )
        images = {image['id']: image for image in content['images'][:: self.sample_interval]}
        for image in images.values():
            path = osp.join(self.data_prefix['img'], image['file_name'])
            image.update(img_id=image['id'], img_path=path)
        instances = [
            instance
            for annotation in content['annotations']
            if (image := images.get(annotation['image_id']))
            for instance in self._hands(annotation, image, cameras, joints)
        ]
        self.coco = None
        return instances, list(images.values())

    @staticmethod
    def _hands(annotation: dict, image: dict, cameras: dict, joints: dict) -> Iterator[dict]:
        """The usable hands in a picture, the right one first."""
        capture, frame = str(image['capture']), str(image['frame_idx'])
        world = np.array(joints[capture][frame]['world_coord'], np.float32)
        pixels = project(world, cameras[capture], str(image['camera'])).reshape(HANDS, -1, 2)
        valid = np.array(annotation['joint_valid'], np.float32).reshape(HANDS, -1)
        valid = np.minimum(valid * valid[:, -1:], 1)  # without its wrist, a hand has no valid joint
        for hand in np.flatnonzero(valid.sum(1) >= MIN_JOINTS):
            seen = pixels[hand, valid[hand] > 0]
            low, high = seen.min(0), seen.max(0)
            yield dict(
                id=HANDS * annotation['id'] + int(hand),
                img_id=image['id'],
                img_path=image['img_path'],
                bbox=np.concatenate([low, high])[None],
                bbox_center=(low + high)[None] / 2,
                bbox_scale=(high - low)[None] * PADDING,
                bbox_score=np.ones(1, np.float32),
                keypoints=pixels[hand][None],
                keypoints_visible=valid[hand][None],
                num_keypoints=len(seen),
                iscrowd=0,
                category_id=np.array(1),
            )


def project(world: np.ndarray, cameras: dict, camera: str) -> np.ndarray:
    """Projects points (K, 3) in world coordinates, in mm, to pixels (K, 2).

    Args:
        cameras: ``campos`` and ``camrot`` (mm), ``focal`` and ``princpt`` (pixels): mappings
            from the camera's name.
    """
    position, rotation, focal, centre = (
        np.array(cameras[field][camera], np.float32)
        for field in ('campos', 'camrot', 'focal', 'princpt')
    )
    seen = (world - position) @ rotation.T
    return camera_to_pixel(seen, *focal, *centre, shift=True)


def _read(path: str) -> dict:
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise UserError(
            f'The dataset interhand2d needs {path}, which does not exist: put it there, or correct '
            'data_root.'
        ) from error
