from collections.abc import Iterator

from mmengine.dataset import BaseDataset, ConcatDataset
from mmpose.registry import DATASETS

from vitpose_plus.errors import UserError, reason


@DATASETS.register_module()
class MultiDataset(ConcatDataset):
    """Datasets one after another, each sample prepared by its own dataset's pipeline.

    Unlike mmpose's ``CombinedDataset``, it leaves flip pairs, body ids and keypoint weights of
    every sample as its own dataset says. Shuffled, it mixes the datasets in proportion to their
    sizes, as the authors' code does.

    Args:
        datasets: Configs of the datasets; the names in their metainfo must differ.
    """

    def __init__(self, datasets: list[dict], lazy_init: bool = False) -> None:
        built = [DATASETS.build(dict(cfg, lazy_init=True)) for cfg in datasets]
        self.names = [dataset.metainfo['dataset_name'] for dataset in built]
        if len(set(self.names)) < len(self.names):
            raise UserError(f'Two datasets have the same dataset_name: {", ".join(self.names)}.')
        # Metainfo may differ in every key: what depends on it goes through ``metainfo`` below.
        keys = sorted(set().union(*(dataset.metainfo for dataset in built)))
        super().__init__(built, lazy_init, ignore_keys=keys)

    @property
    def metainfo(self) -> dict:
        """The first dataset's, for whoever knows only one, and every dataset's by its name."""
        by_name = {name: d.metainfo for name, d in zip(self.names, self.datasets, strict=True)}
        return {**self.datasets[0].metainfo, 'datasets': by_name}

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        for name, dataset in zip(self.names, self.datasets, strict=True):
            load_annotations(name, dataset)
        super().full_init()


def parts_of(dataset: BaseDataset | MultiDataset) -> list[BaseDataset]:
    """The datasets of which it is made: its own, or itself alone."""
    return dataset.datasets if isinstance(dataset, MultiDataset) else [dataset]


def plain_datasets(cfg: dict) -> Iterator[dict]:
    """The plain datasets of a loader, those of a wrapper one by one."""
    if 'datasets' in cfg:
        for part in cfg['datasets']:
            yield from plain_datasets(part)
    elif 'dataset' in cfg:
        yield from plain_datasets(cfg['dataset'])
    elif cfg:
        yield cfg


def unread(cfg: dict) -> BaseDataset:
    """A plain dataset with its metainfo and paths, but without annotations and pipeline."""
    return DATASETS.build(dict(cfg, lazy_init=True, pipeline=[]))


def load_annotations(name: str, dataset: BaseDataset) -> None:
    """Reads the annotations; refuses a file without any, or with another set of keypoints."""
    file = dataset.bbox_file or dataset.ann_file
    serialize, dataset.serialize_data = dataset.serialize_data, False  # it fails on an empty list
    try:
        dataset.full_init()
    except UserError:
        raise
    except Exception as error:  # whatever a stranger's file makes a class raise
        raise UserError(
            f'{file} cannot be read as annotations of the dataset {name} '
            f'({reason(error)}): correct the file.'
        ) from error
    if len(dataset) == 0:
        raise UserError(
            f'The dataset {name} is empty: {file} holds no usable annotation; check '
            f'the file, or take {name} out of `datasets`.'
        )
    given = dataset.get_data_info(0)['keypoints'].shape[1]
    if given != dataset.metainfo['num_keypoints']:
        raise UserError(
            f'{file} gives {given} keypoints where the dataset {name} has '
            f'{dataset.metainfo["num_keypoints"]}: correct the file or the metainfo.'
        )
    if serialize:
        dataset.serialize_data = True
        dataset.data_bytes, dataset.data_address = dataset._serialize_data()
