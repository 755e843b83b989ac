"""Exported files: those that ``vitpose export`` writes of the model, and files of the user."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.predicting import FolderPrediction
from vitpose_plus.benchmarking.training import training_data
from vitpose_plus.benchmarking.ways import Way
from vitpose_plus.export.describing import Options
from vitpose_plus.export.exporting import export, fold
from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS
from vitpose_plus.inference.engines.network import INPUTS
from vitpose_plus.inference.engines.opening import open_engine

CALIBRATED = ('int8',)


class Exporting(Contender):
    """A file that ``vitpose export`` writes, of the plain model of one dataset.

    Attributes:
        ending: The ending of the file.
    """

    ending: str

    def runs(self, precision: str, device: torch.device) -> bool:
        return True  # the file has its own kernels

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        path = self._export(plan, precision, HEATMAPS)
        run = partial(open_engine(path, plan.device), plan.subject.crops(plan.batch))
        yield plan.forward_way(f'{self.title}, {plan.subject.dataset}', precision, run)

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        path = self._export(plan, precision, KEYPOINTS)
        yield plan.forward_way(
            f'{self.title}, predict',
            precision,
            FolderPrediction(plan, model=str(path), checkpoint=None),
            count=plan.written_pictures.people,
        )

    def _export(self, plan: Plan, precision: str, outputs: str) -> Path:
        subject = plan.subject
        path = plan.folder / f'{precision}-{outputs}{self.ending}'
        if not path.exists():
            plan.on_message(f'Exporting {subject.dataset} to {self.ending} in {precision} ...')
            data = None
            if precision in CALIBRATED:
                data = plan.calibrate or training_data(subject, plan.folder)
            model = fold(subject.model, subject.dataset)
            model = replace(model, network=deepcopy(model.network).cpu())
            export(model, path, Options(outputs=outputs, precision=precision), data)
        return path


class Onnx(Exporting):
    """A .onnx file in ONNX Runtime."""

    title, ending = 'ONNX Runtime', '.onnx'
    precisions = whole_precisions = ('fp32', 'fp16')
    packages = ('onnx', 'onnxruntime', 'onnxscript')


class OpenVino(Exporting):
    """A .xml file in OpenVINO. It computes fp16 files in float32, so they are not measured."""

    title, ending = 'OpenVINO', '.xml'
    precisions = whole_precisions = ('fp32', 'int8')
    packages = ('openvino', 'nncf', 'onnx', 'onnxscript')


class GivenFile(Contender):
    """An exported file of the user, in its own precision; ``--precision`` has no effect."""

    title = 'the file'

    def chosen(self, plan: Plan, able: Sequence[str]) -> list[str]:
        return [plan.subject.model.description.precision]

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        model = plan.subject.model
        described = model.description
        pixels = torch.randint(256, (plan.batch, 3, *described.input_hw))
        inputs = [pixels.to(getattr(torch, INPUTS[described.outputs]))]
        if described.has_experts:
            inputs.append(torch.full((plan.batch,), plan.subject.number(plan.subject.dataset)))
        name = f'{model.engine.name}, {Path(plan.subject.config).name}'
        yield Way(name, described.precision, partial(model.engine, *inputs), plan.batch)

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        model = plan.subject.model
        name = f'{model.engine.name}, {Path(plan.subject.config).name}, predict'
        people = plan.written_pictures.people
        yield Way(name, model.description.precision, FolderPrediction(plan), people)
