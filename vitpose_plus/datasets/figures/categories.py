"""The categories of people and animals for COCO-style files."""

from typing import Any

from vitpose_plus.datasets.figures import animal, person

BOX_CATEGORIES = {'person': 1, 'animal': 2}
PERSON_LIMBS = (
    *(
        (f'{side}_{first}', f'{side}_{second}')
        for first, second in (
            *(('shoulder', 'elbow'), ('elbow', 'wrist'), ('hip', 'knee'), ('knee', 'ankle')),
            *(('shoulder', 'hip'), ('eye', 'ear'), ('ear', 'shoulder')),
        )
        for side in person.SIDES
    ),
    *(('left_hip', 'right_hip'), ('left_shoulder', 'right_shoulder'), ('left_eye', 'right_eye')),
    *(('nose', 'left_eye'), ('nose', 'right_eye'), ('head_top', 'neck')),
    *(('neck', 'left_shoulder'), ('neck', 'right_shoulder')),
)
ANIMAL_LIMBS = (
    *(('L_Eye', 'R_Eye'), ('L_Eye', 'Nose'), ('R_Eye', 'Nose'), ('Nose', 'Neck')),
    ('Neck', 'Root of tail'),
    *(
        (first.format(side), f'{side}_{second}')
        for side in 'LR'
        for first, second in (
            *(('Neck', 'Shoulder'), ('{}_Shoulder', 'Elbow'), ('{}_Elbow', 'F_Paw')),
            *(('Root of tail', 'Hip'), ('{}_Hip', 'Knee'), ('{}_Knee', 'B_Paw')),
        )
    ),
)


def person_categories(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The category of people, with the keypoints ``names``."""
    return [_category(1, 'person', 'person', names, PERSON_LIMBS)]


def animal_categories() -> list[dict[str, Any]]:
    """The categories of animals, with the ids of AP-10K."""
    return [
        _category(species.number, name, species.family, animal.KEYPOINTS, ANIMAL_LIMBS)
        for name, species in animal.SPECIES.items()
    ]


def box_categories() -> list[dict[str, Any]]:
    """The categories of detectors: people and animals."""
    return [
        {'id': number, 'name': name, 'supercategory': name}
        for name, number in BOX_CATEGORIES.items()
    ]


def film_categories() -> list[dict[str, Any]]:
    """The categories of films: people with COCO's keypoints, and animals with AP-10K's."""
    parts = {'person': (person.BODY, PERSON_LIMBS), 'animal': (animal.KEYPOINTS, ANIMAL_LIMBS)}
    return [_category(number, name, name, *parts[name]) for name, number in BOX_CATEGORIES.items()]


def _category(
    number: int, name: str, family: str, names: tuple[str, ...], limbs: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """A category; its skeleton has the limbs whose two ends are in ``names``."""
    skeleton = [
        [names.index(first) + 1, names.index(second) + 1]
        for first, second in limbs
        if first in names and second in names
    ]
    keys = {'id': number, 'name': name, 'supercategory': family}
    return keys | {'keypoints': list(names), 'skeleton': skeleton}
