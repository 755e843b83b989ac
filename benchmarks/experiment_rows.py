"""The trainings of experiments.py: a list of rows for every table of docs/experiments.md."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmengine.config import Config

WORK_DIR = Path('work_dirs/experiments')
ATTENTION = 'vitpose-tiny_figures-128x96'  # 16x12 tokens
PLAIN = 'vitpose-tiny-stride16_figures-128x96'  # 8x6 tokens
PLUS = 'vitpose-plus-tiny_figures-128x96'
MAE = 'mae-tiny_figures-128x96'
TEACHER = 'vitpose-tiny-teacher_figures-128x96'
TOKEN = 'vitpose-tiny-token_figures-128x96'
STUDENT = 'vitpose-tiny-distill_figures-128x96'
BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'

Start = Callable[['Config', int], None]


class Row(NamedTuple):
    """A row of a table: the name of an included config, and changes to it.

    Attributes:
        start: A function that sets the initial weights or the teacher in the config, for a seed.
        needed_file: The name of a file of the training that other rows need. A run without this
            file is repeated.
        seeds: There is one training for each seed.
    """

    label: str
    config: str
    changes: dict = {}
    start: Start | None = None
    needed_file: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)


def folder(name: str, label: str, seed: int) -> Path:
    """The training folder of a run."""
    return WORK_DIR / name / f'{label.replace(", ", "-").replace(" ", "-")}-{seed}'


# The checkpoint of the teacher and its knowledge token. All students have this teacher of seed 0.
TEACHER_FILE = folder('teacher', 'teacher', 0) / 'epoch_10.pth'
TOKEN_FILE = folder('token', 'token', 0) / 'token.pth'


def begin_with(cfg: 'Config', path: Path) -> None:
    """Sets the initial weights of the backbone: those of the backbone in a checkpoint."""
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')


def with_attention(label: str, *kinds: str) -> Row:
    """A row with windows of 16x16 pixels. The four layers use the ``kinds`` in turn."""
    attention = [dict(type=f'{kind}WindowAttention', window_hw=(2, 2)) for kind in kinds]
    return Row(label, ATTENTION, {'model.backbone.attention': attention})


def pre_training(label: str, epochs: int, changes: dict | None = None, **more) -> Row:
    length = {'param_scheduler.1.end': epochs, 'train_cfg.max_epochs': epochs}
    changes = {**length, 'default_hooks.checkpoint.interval': epochs, **(changes or {})}
    return Row(label, MAE, changes, needed_file=f'epoch_{epochs}.pth', **more)


def pretrained(label: str = 'mae', epochs: int = 20) -> Start:
    """A ``Row.start``: the initial weights are those of a pre-training with the same seed."""

    def start(cfg: 'Config', seed: int) -> None:
        begin_with(cfg, folder('pre-training', label, seed) / f'epoch_{epochs}.pth')

    return start


def frozen(label: str, *parts: str) -> Row:
    return Row(label, PLAIN, {'model.backbone.frozen': parts}, pretrained())


def random_and_mae(label: str, changes: dict) -> list[Row]:
    """Two rows with one seed: from random weights, and from MAE.

    The six epochs of the config are 684 steps of 16 people.
    """
    return [
        Row(f'{label}, from random', PLAIN, changes, seeds=(0,)),
        Row(f'{label}, from MAE', PLAIN, changes, pretrained(), seeds=(0,)),
    ]


def fine_tuning_epochs(epochs: int) -> dict:
    """The changes for a fine-tuning of this number of epochs, without validation."""
    return {
        'param_scheduler.1.T_max': epochs,
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': 10**6,
        'default_hooks.checkpoint.interval': epochs,
    }


def expanded(cfg: 'Config', seed: int) -> None:
    """Makes all experts of a layer equal: expands a plain model with random weights."""
    import torch
    from mmengine.runner import set_random_seed
    from mmpose.registry import MODELS

    from vitpose_plus.checkpoints import expand
    from vitpose_plus.experiments.catalogue import read_config

    set_random_seed(seed)
    plain = MODELS.build(read_config(PLAIN).model)
    plain.init_weights()
    state = {key: value for key, value in plain.state_dict().items() if key.startswith('backbone.')}
    path = Path(cfg.work_dir) / 'start.pth'
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(expand(state, cfg), path)
    begin_with(cfg, path)


def load_teacher(cfg: 'Config', seed: int) -> None:
    cfg.load_from = str(TEACHER_FILE)


def set_teacher(cfg: 'Config', seed: int) -> None:
    """Sets the files of the teacher, of its token, or of both."""
    if cfg.model.teacher:
        cfg.model.teacher.checkpoint = str(TEACHER_FILE)
    if cfg.model.token:
        cfg.model.token.file = str(TOKEN_FILE)


FASTER, SLOWER = ({'optim_wrapper.optimizer.lr': rate} for rate in (3e-3, 3e-4))
FEW = {'train_dataloader.dataset.indices': 96}  # people
SINES = {'model.backbone.type': 'SinePositionViT'}
SHARED = {'model.backbone.ffn': dict(type='SharedFFN', _delete_=True)}
NO_TOKEN = {'model.token': None, 'model.backbone.num_prefix_tokens': 0}

# The order matters: some trainings start from the checkpoints of earlier ones.
EXPERIMENTS = {
    'attention': [
        Row('full', ATTENTION),
        with_attention('window', ''),
        with_attention('window, shift', '', 'Shifted'),
        with_attention('window, pool', 'Pooling'),
        with_attention('window, shift, pool', 'Pooling', 'ShiftedPooling'),
    ],
    'pre-training': [
        pre_training('mae', 20),
        pre_training('mae, 60 epochs', 60),
        pre_training('mae, 5 epochs', 5, seeds=(0,)),
        pre_training('mae, sines', 20, SINES, seeds=(0,)),
    ],
    'fine-tuning': [
        Row('from random', PLAIN),
        Row('from MAE on the figures', PLAIN, start=pretrained()),
        frozen('the same, MHSA frozen', 'attention', 'norm1'),
        frozen('the same, FFN frozen', 'ffn', 'norm2', 'patch_embed', 'pos_embed'),
    ],
    'fine-tuning-faster': [
        Row('from random', PLAIN, FASTER),
        Row('from MAE of 20 epochs', PLAIN, FASTER, pretrained()),
        Row('from MAE of 60 epochs', PLAIN, FASTER, pretrained('mae, 60 epochs', 60)),
    ],
    'mae-tried': [
        Row('rate 0.0003, from MAE', PLAIN, SLOWER, pretrained(), seeds=(0,)),
        *random_and_mae('2 epochs', fine_tuning_epochs(2)),
        *random_and_mae('96 people, 480 steps', FEW | fine_tuning_epochs(80)),
        *random_and_mae('96 people, 2400 steps at 0.003', FEW | FASTER | fine_tuning_epochs(400)),
        Row(
            '96 people, 480 steps, from MAE of 60 epochs',
            PLAIN,
            FEW | fine_tuning_epochs(80),
            pretrained('mae, 60 epochs', 60),
            seeds=(0,),
        ),
        Row('from MAE of 5 epochs', PLAIN, {}, pretrained('mae, 5 epochs', 5), seeds=(0,)),
        Row('from MAE of 60 epochs', PLAIN, {}, pretrained('mae, 60 epochs', 60), seeds=(0,)),
        Row('from MAE with sines', PLAIN, {}, pretrained('mae, sines'), seeds=(0,)),
    ],
    'ffn': [
        Row('shared', PLUS, SHARED, expanded),
        Row('partially shared', PLUS, start=expanded),
    ],
    'teacher': [Row('teacher', TEACHER, needed_file=TEACHER_FILE.name, seeds=(0,))],
    'token': [Row('token', TOKEN, start=load_teacher, needed_file=TOKEN_FILE.name, seeds=(0,))],
    'distillation': [
        Row('none', ATTENTION),
        Row('output', STUDENT, NO_TOKEN, set_teacher),
        Row('token', STUDENT, {'model.teacher': None}, set_teacher),
        Row('both', STUDENT, start=set_teacher),
    ],
    'bottom-up': [Row('associative embedding', BOTTOM_UP)],
}
