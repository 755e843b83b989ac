"""Names of earlier versions: those that configs import still work, others raise an error."""

import importlib
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder

ALIASES = dict(
    experiment='experiments.topdown',
    bottom_up_experiment='experiments.bottom_up',
    pretraining='experiments.pretraining',
)
_DECODING = 'codecs.heatmaps'
_LOADING = 'files (replacing, refuse_existing, about), checkpoints.reading or checkpoints.writing'
MOVED = {
    'associative_embedding': 'codecs.associative_embedding',
    'checkpoints.files': _LOADING,
    'checkpoints.hugging_face_files': 'checkpoints.hugging_face',
    'checkpoints.layouts.layout.spelt_out': 'checkpoints.layouts.layout (expand_pattern)',
    'checkpoints.opening.needing_safetensors': 'errors (needing)',
    'checkpoints.token_files': 'distillation.token_file',
    'codecs.BatchedDecoding': _DECODING,
    'codecs.find_peaks': _DECODING,
    'codecs.newton_step': _DECODING,
    'codecs.refine_dark_udp': _DECODING,
    'codecs.shift_by_quarter': _DECODING,
    'commands.cache_heatmaps.drawn': 'distillation.caching (predicted)',
    'commands.cache_heatmaps.refuse_chance': 'distillation.caching (check_deterministic)',
    'commands.convert.fit': 'checkpoints.file_conversion (convert_file)',
    'commands.convert.start': 'checkpoints.file_conversion (convert_file)',
    'commands.convert.translate': 'checkpoints.file_conversion (convert_file)',
    'commands.convert.write': 'checkpoints.file_conversion (convert_file)',
    'commands.demo.ProgressHook': 'engine.hooks',
    'commands.figures.draw': 'commands.figures (generate)',
    'commands.reconstruct.drawn': 'visualization.reconstructions (training_samples)',
    'commands.reconstruct.opened': 'visualization.reconstructions (picture_samples)',
    'commands.running': 'commands.runs (add_arguments, load_config) or engine.runs (build_runner)',
    'commands.train.left_out': 'engine.starting (describe_loading)',
    'datasets.checks': 'datasets.checking',
    'datasets.companions': 'datasets.checking.companions',
    'datasets.figures.coat': 'datasets.figures.animal_shapes',
    'datasets.figures.coco_style.animal_categories': 'datasets.figures.categories',
    'datasets.figures.coco_style.person_categories': 'datasets.figures.categories',
    'datasets.figures.costume': 'datasets.figures.person_shapes',
    'datasets.figures.generate.write_figures': 'datasets.figures',
    'datasets.preparation.writing': 'datasets.preparation.sources',
    'datasets.published': 'datasets.checking.published',
    'datasets.records': 'datasets.checking',
    'distillation.caching.refuse_chance': 'distillation.caching (check_deterministic)',
    'engine.continuing.note': 'engine.continuing (add_position)',
    'engine.continuing.take_up': 'engine.continuing (prepare_resuming)',
    'engine.starting.taken': 'engine.starting (describe_loading)',
    'evaluation.bottom_up': 'evaluation.ceilings',
    'evaluation.ceiling': 'evaluation.ceilings',
    'evaluation.datasetwise': 'evaluation.metrics',
    'evaluation.mpii': 'evaluation.metrics',
    'grouping': 'codecs.grouping',
    'inference.boxes.kinds.needless': 'inference.boxes.kinds (unexpected_annotations)',
    'models.DistilledMultiDatasetTopdown': 'distillation',
    'models.DistilledTopdown': 'distillation',
    'models.KnowledgeToken': 'distillation',
    'models.MappedKnowledgeToken': 'distillation',
    'models.TokenMultiDatasetTopdown': 'distillation',
    'models.TokenTopdown': 'distillation',
    'models.bottom_up.BatchedAssociativeEmbeddingLoss': 'models.tag_loss',
    'models.bottom_up.SinePositionViT': 'models.vit',
    'models.vit.ARCHS': 'models.archs',
    'models.vit.Arch': 'models.archs',
    'models.distill': 'distillation.students (left_of: models.building.deployment_config)',
    'models.knowledge_token': 'distillation.token',
    'preflight': 'engine.preflight',
    'shipped': 'experiments.catalogue, checkpoints.matching or models.building',
    'strategies': 'engine.sharding or engine.precision',
}


class MovedModules(MetaPathFinder):
    """The last finder of modules: for a moved module, it raises an error with the new place."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        package, _, name = fullname.partition('.')
        if package == 'vitpose_plus' and name in MOVED:
            raise _error(name)


def install() -> None:
    """Creates the aliases, and adds errors for the moved names to their old modules."""
    package = sys.modules['vitpose_plus']
    for old, new in ALIASES.items():
        module = importlib.import_module(f'vitpose_plus.{new}')
        sys.modules[f'vitpose_plus.{old}'] = module
        setattr(package, old, module)
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())
    for place in {name.rpartition('.')[0] for name in MOVED} - set(MOVED):
        module = importlib.import_module(f'vitpose_plus.{place}' if place else 'vitpose_plus')
        module.__getattr__ = _getattr_with_moved_names(place)


def _getattr_with_moved_names(place: str) -> Callable[[str], object]:
    def look_up(name: str) -> object:
        if (moved := f'{place}.{name}'.lstrip('.')) in MOVED:
            raise _error(moved)
        raise AttributeError(f'module {f"vitpose_plus.{place}".rstrip(".")!r} has no {name!r}')

    return look_up


def _error(name: str) -> ImportError:
    return ImportError(f'vitpose_plus.{name} has moved: it is in vitpose_plus.{MOVED[name]} now.')
