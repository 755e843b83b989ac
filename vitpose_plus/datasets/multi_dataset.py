from collections.abc import Iterator, Mapping

from mmengine.dataset import BaseDataset, ConcatDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from vitpose_plus.errors import UserError, reason

# The first of these that a config has defines the keypoints and how pictures are cropped.
LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')


@DATASETS.register_module()
class MultiDataset(ConcatDataset):
    """Several datasets, one after another; each sample goes through its own dataset's pipeline.

    Unlike mmpose's ``CombinedDataset``, it keeps the flip pairs, body ids and keypoint weights of
    each sample's own dataset. With shuffling, the datasets are mixed in proportion to their sizes,
    as in the authors' code.

    Args:
        datasets: Configs of the datasets; the names in their metainfo must differ.
    """

    def __init__(self, datasets: list[dict], lazy_init: bool = False) -> None:
        built = [DATASETS.build(dict(cfg, lazy_init=True)) for cfg in datasets]
        self.names = [dataset.metainfo['dataset_name'] for dataset in built]
        if len(set(self.names)) < len(self.names):
            raise UserError(f'Two datasets have the same dataset_name: {", ".join(self.names)}.')
        # The datasets may differ in every key of their metainfo: see ``metainfo`` below.
        keys = sorted(set().union(*(dataset.metainfo for dataset in built)))
        super().__init__(built, lazy_init, ignore_keys=keys)

    @property
    def metainfo(self) -> dict:
        """The metainfo of the first dataset, and in ``datasets`` that of every dataset by its name.

        The first one is for code that supports a single dataset only.
        """
        by_name = {name: d.metainfo for name, d in zip(self.names, self.datasets, strict=True)}
        return {**self.datasets[0].metainfo, 'datasets': by_name}

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        for name, dataset in zip(self.names, self.datasets, strict=True):
            load_annotations(name, dataset)
        super().full_init()


def parts_of(dataset: BaseDataset | MultiDataset) -> list[BaseDataset]:
    """The parts of a ``MultiDataset``; for any other dataset, a list of the dataset itself."""
    return dataset.datasets if isinstance(dataset, MultiDataset) else [dataset]


def plain_datasets(cfg: dict) -> Iterator[dict]:
    """The configs of a loader's plain datasets: those in a wrapper, or the dataset itself."""
    if 'datasets' in cfg:
        for part in cfg['datasets']:
            yield from plain_datasets(part)
    elif 'dataset' in cfg:
        yield from plain_datasets(cfg['dataset'])
    elif cfg:
        yield cfg


def unread(cfg: dict) -> BaseDataset:
    """Builds a plain dataset with its metainfo and paths, without annotations and pipeline."""
    return DATASETS.build(dict(cfg, lazy_init=True, pipeline=[]))


def test_datasets_of(cfg: Mapping) -> Iterator[tuple[str, tuple[dict, list[dict]]]]:
    """Yields name, metainfo and pipeline of every dataset of the first loader that exists."""
    loaders = [(cfg.get(name) or {}).get('dataset') for name in LOADERS]
    dataset = next((each for each in loaders if each), None)
    if dataset is None:
        raise UserError(
            'The config has no test_dataloader, which defines the keypoints and how pictures are '
            'cropped: add it.'
        )
    if 'datasets' in dataset and 'metainfo' in dataset:  # mmpose's CombinedDataset
        metainfo = parse_pose_metainfo(dict(dataset['metainfo']))
        yield metainfo['dataset_name'], (metainfo, dataset['pipeline'])
        return
    for part in plain_datasets(dataset):
        metainfo = unread(part).metainfo
        yield metainfo['dataset_name'], (metainfo, part['pipeline'])


def load_annotations(name: str, dataset: BaseDataset) -> None:
    """Reads the annotations; refuses a file without any, or with a wrong number of keypoints."""
    file = dataset.bbox_file or dataset.ann_file
    serialize, dataset.serialize_data = dataset.serialize_data, False  # fails on an empty list
    try:
        dataset.full_init()
    except UserError:
        raise
    except Exception as error:  # a damaged file can cause any error in a dataset class
        raise UserError(
            f'{file} cannot be read as annotations of the dataset {name} '
            f'({reason(error)}): correct the file.'
        ) from error
    if len(dataset) == 0:
        raise UserError(
            f'The dataset {name} is empty: {file} contains no usable annotation, which has a bbox, '
            'a labelled keypoint and iscrowd 0; correct the file, or train without this dataset.'
        )
    given = dataset.get_data_info(0)['keypoints'].shape[1]
    if given != dataset.metainfo['num_keypoints']:
        raise UserError(
            f'{file} has {given} keypoints, but the dataset {name} has '
            f'{dataset.metainfo["num_keypoints"]}: correct the file or the metainfo.'
        )
    if serialize:
        dataset.serialize_data = True
        dataset.data_bytes, dataset.data_address = dataset._serialize_data()
