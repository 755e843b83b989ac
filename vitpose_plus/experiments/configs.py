"""The functions that a config calls once, to get all sections that depend on its datasets.

    _base_ = ['../vitpose/vitpose-base_coco-256x192.py', '../datasets/aic.py']
    from vitpose_plus.experiments import single_dataset_config

    globals().update(single_dataset_config(_base_, 'aic', train_dataloader=dict(batch_size=32)))

Every function returns a mapping from the names of sections (``model``, ``train_dataloader``, ...)
to plain dicts, which mmengine merges into those of ``_base_``. The first argument is ``_base_``,
the values of the parents: the entries of datasets, ``crops``, ``augmentation``, ``affine``.
All other keywords are changes of the returned sections. They are merged as mmengine merges a child
into its parent (``_delete_=True`` replaces instead). The two functions for models of one dataset
also return the keys that mmpose's inferencers read (``for_inferencers``).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.bottom_up import bottom_up
from vitpose_plus.experiments.pretraining import person_crops, whole_pictures
from vitpose_plus.experiments.topdown import multi_task, single_dataset

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SECTIONS = ('model', *LOADERS, 'val_evaluator', 'test_evaluator')
Datasets = Sequence[str] | Mapping[str, dict]


def single_dataset_config(
    base: Mapping,
    name: str,
    *,
    entry: dict | None = None,
    crops: dict | None = None,
    augmentation: Sequence[dict] | None = None,
    input_hw: tuple[int, int] = (256, 192),
    sigma: float = 2.0,
    data_root: str = 'data',
    **changes,
) -> dict[str, Any]:
    """Returns the sections of a plain model of one dataset.

    Args:
        base: ``_base_``.
        name: The name of the dataset.
        entry: The entry of the dataset. If ``entry``, ``crops`` or ``augmentation`` is not given,
            it is taken from ``base``.
        input_hw: Height and width of the crops, in pixels.
        sigma: The sigma of the Gaussian targets, in heatmap pixels.
        data_root: The folder that contains the folders of all datasets.
        changes: Section -> changes of that section.
    """
    parts = single_dataset(
        name,
        entry or find_entry(base, name),
        crops or base['crops'],
        base['augmentation'] if augmentation is None else augmentation,
        input_hw=input_hw,
        sigma=sigma,
        data_root=data_root,
    )
    return _of_one_dataset(parts, changes)


def multi_task_config(
    base: Mapping,
    datasets: Datasets = (),
    *,
    crops: dict | None = None,
    augmentation: Sequence[dict] | None = None,
    input_hw: tuple[int, int] = (256, 192),
    sigma: float = 2.0,
    data_root: str = 'data',
    **changes,
) -> dict[str, dict]:
    """Returns the sections of a model with a head for each dataset, and ``datasets`` itself.

    Args:
        base: ``_base_``.
        datasets: The names of the datasets, in the order of the heads, or their entries by name;
            ``base['datasets']`` if not given. An entry there is used before one in ``base``.
        crops: For this and all other arguments, see ``single_dataset_config``.
    """
    entries = _entries(base, datasets)
    parts = multi_task(
        entries,
        crops or base['crops'],
        base['augmentation'] if augmentation is None else augmentation,
        input_hw=input_hw,
        sigma=sigma,
        data_root=data_root,
    )
    named = dict(zip(SECTIONS, parts, strict=True))
    # Replaces `datasets` of the parent. Without one, mmengine would keep _delete_ in the config.
    replacing = dict(_delete_=True) if 'datasets' in base else {}
    return changed(named, changes) | dict(datasets=deepcopy(entries) | replacing)


def multi_dataset_config(base: Mapping, datasets: Datasets = (), **options) -> dict[str, dict]:
    """As ``multi_task_config``, for a ViTPose+: with an expert for each dataset."""
    experts = dict(backbone=dict(ffn=dict(num_experts=len(_entries(base, datasets)))))
    options['model'] = merged(experts, options.get('model', {}))
    return multi_task_config(base, datasets, **options)


def bottom_up_config(
    base: Mapping,
    name: str,
    *,
    entry: dict | None = None,
    affine: dict | None = None,
    input_hw: tuple[int, int] = (512, 512),
    sigma: float = 2.0,
    max_people: int = 30,
    data_root: str = 'data',
    **changes,
) -> dict[str, Any]:
    """Returns the sections of a bottom-up model; the arguments are those of ``bottom_up``.

    If ``entry`` or ``affine`` is not given, it is taken from ``base``.
    """
    parts = bottom_up(
        name,
        entry or find_entry(base, name),
        affine or base['affine'],
        input_hw=input_hw,
        sigma=sigma,
        max_people=max_people,
        data_root=data_root,
    )
    return _of_one_dataset(parts, changes)


def person_crops_config(
    base: Mapping,
    datasets: Datasets,
    *,
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
    **changes,
) -> dict[str, dict]:
    """Returns ``model`` and ``train_dataloader`` for pre-training on parts of people's boxes."""
    model, loader = person_crops(_entries(base, datasets), input_hw, data_root)
    return changed(dict(model=model, train_dataloader=loader), changes)


def whole_pictures_config(
    base: Mapping,
    datasets: Datasets,
    *,
    input_hw: tuple[int, int] = (256, 192),
    data_root: str = 'data',
    **changes,
) -> dict[str, dict]:
    """Returns ``model`` and ``train_dataloader`` for pre-training on parts of pictures."""
    model, loader = whole_pictures(_entries(base, datasets), input_hw, data_root)
    return changed(dict(model=model, train_dataloader=loader), changes)


def _of_one_dataset(parts: Sequence[dict], changes: Mapping) -> dict[str, Any]:
    sections = dict(zip(SECTIONS, parts, strict=True))
    inferencers = for_inferencers(sections['val_dataloader']['dataset'])
    return changed(sections, changes) | inferencers


def for_inferencers(dataset: Mapping) -> dict[str, str]:
    """Returns keys that mmpose's inferencers read in a config, from the dataset of the tests."""
    return dict(data_mode=dataset.get('data_mode', 'topdown'), dataset_type=dataset['type'])


def changed(sections: dict[str, dict], changes: Mapping) -> dict[str, dict]:
    """Returns the sections with the changes; refuses a change of any other section."""
    if unknown := sorted(set(changes) - set(sections)):
        raise UserError(
            f'{", ".join(unknown)} is no argument and no section of this function, which returns '
            f'{", ".join(sections)}: correct the name, or set it outside of the call.'
        )
    return merged(sections, changes)


def merged(sections: Mapping, changes: Mapping) -> dict:
    """Returns the sections with the changes. Merging the result into a parent has the same effect
    as merging first the sections, then the changes, so ``_delete_`` is kept."""
    result = dict(sections)
    for key, change in changes.items():
        if not isinstance(change, Mapping) or key not in sections or change.get('_delete_'):
            result[key] = deepcopy(change)
        elif isinstance(sections[key], Mapping):
            result[key] = merged(sections[key], change)
        else:
            raise UserError(
                f'The config changes {key} by a dict, but it is a {type(sections[key]).__name__}: '
                'give the complete value, or _delete_=True in the dict to replace it.'
            )
    return result


def find_entry(base: Mapping, name: str) -> dict:
    """The entry of a dataset in ``_base_``; raises a ``UserError`` if there is none."""
    for entries in (base.get('datasets', {}), base):
        if name in entries:
            return entries[name]
    raise UserError(
        f'There is no entry of the dataset {name!r} in the config: name its file, as '
        f'configs/datasets/{name}.py, in `_base_`.'
    )


def _entries(base: Mapping, datasets: Datasets) -> dict[str, dict]:
    datasets = datasets or base.get('datasets', {})
    if not isinstance(datasets, Mapping):
        return {name: find_entry(base, name) for name in datasets}
    return {name: entry for name, entry in datasets.items() if name != '_delete_'}
