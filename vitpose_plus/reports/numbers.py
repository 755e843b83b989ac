"""The numbers of a report, as ``report.json`` has them."""

from dataclasses import asdict
from typing import Any

from mmengine.config import Config

from vitpose_plus.engine.starting import pretrained
from vitpose_plus.reports.report import Report, Split

VERSION = 1  # changes if a key changes its meaning
WORST = 12
UNITS = {
    '*_px': 'pixels of the original picture',
    'mean_share': "error / longer side of the annotation's box",
    'pck_5px, pck_10px': 'share of the labelled keypoints, 0 to 1',
    'labels': 'labelled keypoints',
    'input_hw': 'pixels',
}


def numbers_of(report: Report) -> dict[str, Any]:
    """Returns the content of ``report.json``: only dicts, lists, texts and finite numbers."""
    history, names = report.history, report.skeleton.names
    labelled = (report.labels.points[..., 2] > 0).sum(axis=0).tolist()
    splits = dict(held_out=report.held_out, train=report.train)
    if report.first_look is not None:
        splits['held_out_first_look'] = report.first_look
    return dict(
        version=VERSION,
        units=UNITS,
        dataset=report.skeleton.dataset,
        keypoints=list(names),
        training=dict(
            ended=history.ended and history.ended.isoformat(),
            minutes=history.minutes and round(history.minutes, 2),
            start_weights=start_weights(report.cfg),
            checkpoint=report.checkpoint.name,
            pictures=len(report.labels.rows),
            labels=dict(zip(names, labelled, strict=True)),
            last_logged_iteration=history.last_iteration,
            **settings(report),
        ),
        film_command=film_command(report),
        validation=history.metrics_at(report.checkpoint),
        splits={name: split_numbers(split, names) for name, split in splits.items()},
        worst=[_instance(report.held_out, row, names) for row in report.held_out.worst(WORST)],
    )


def settings(report: Report) -> dict[str, Any]:
    """Returns the settings that matter most for the errors."""
    cfg = report.cfg
    backbone = cfg.model.backbone
    arch = backbone.get('arch')
    hw = backbone.get('input_hw') or (report.skeleton.input_wh or ())[::-1]
    return dict(
        model=f'{backbone.type} {arch}' if isinstance(arch, str) else str(backbone.type),
        parameters=report.parameters,
        input_hw=list(hw),
        batch_size=cfg.train_dataloader.get('batch_size'),
        max_epochs=(cfg.get('train_cfg') or {}).get('max_epochs'),
        boxes=(cfg.get('predict') or {}).get('boxes'),
    )


def start_weights(cfg: Config) -> str | None:
    """Returns the file from which the training started; None for random weights."""
    for start in (pretrained(cfg.model), pretrained(cfg.model.backbone)):
        if start:
            expert = start.get('expert')
            return str(start['checkpoint']) + (f' (expert {expert})' if expert else '')
    return cfg.get('load_from')


def split_numbers(split: Split, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns the numbers of all keypoints together, and of each one."""
    per_keypoint = zip(names, split.errors.per_keypoint(), strict=True)
    return dict(
        pictures=len(split.labels.rows),
        instances=len(split.labels.paths),
        overall=_rounded(asdict(split.errors.overall())),
        per_keypoint={name: _rounded(asdict(summary)) for name, summary in per_keypoint},
    )


def _instance(split: Split, row: int, names: tuple[str, ...]) -> dict[str, Any]:
    """The errors of one instance, the largest one first; keypoints without a label are left out."""
    errors = zip(names, split.errors.distances[row].tolist(), strict=True)
    known = sorted(((e, name) for name, e in errors if e == e), key=lambda each: -each[0])
    return dict(
        picture=split.labels.paths[row],
        mean_px=round(float(split.errors.per_instance()[row]), 3),
        errors_px={name: round(error, 3) for error, name in known},
    )


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 4) if isinstance(v, float) else v for key, v in numbers.items()}


def film_command(report: Report) -> str:
    """Returns the command that predicts a film with this model."""
    words = ['vitpose', 'predict', 'FILM', '--model', quoted(str(report.work_dir))]
    return ' '.join([*words, *report.look.options, '--format', 'dlc'])


def quoted(word: str) -> str:
    """Returns a word of a command, in double quotes (also for Windows) if it has a space."""
    return f'"{word}"' if any(letter.isspace() for letter in word) else word
