"""The engines of this package: torch, compiled torch, and exported files."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.decoding import KEYPOINT_COUNTS, codec_of, decoding, gaussians
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.predicting import FolderPrediction
from vitpose_plus.benchmarking.training import share_ffns, steps, trainable, training_data
from vitpose_plus.benchmarking.ways import Way
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.export.describing import Options
from vitpose_plus.export.exporting import export, fold
from vitpose_plus.inference.batches import batch_size_of
from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS
from vitpose_plus.inference.engines.opening import open_engine
from vitpose_plus.inference.prepared import Prepared, prepare


class Torch(Contender):
    """The network itself, as ``predict`` and ``test`` run it."""

    title = 'torch'
    precisions = whole_precisions = ('fp32', 'bf16', 'fp16')
    is_compiled = False

    def prepared(self, plan: Plan, precision: str, dataset: str | None) -> Prepared:
        """The fast form for one dataset, or for mixed ones."""
        own = dataset if plan.subject.has_several else None
        return prepare(plan.subject.network, own, precision, compile=self.is_compiled)

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        subject = plan.subject
        crops = subject.crops(plan.batch)
        for dataset in subject.datasets:
            fast = self.prepared(plan, precision, dataset)
            run = partial(fast, crops)
            yield plan.forward_way(f'{self.title}, {dataset}', precision, run)
            codec = subject.head(dataset).decoder
            if codec.support_batch_decoding:
                whole = decoding(codec, run)
                yield plan.forward_way(f'{self.title}, {dataset}, decoded', precision, whole)
        if subject.has_several:
            fast = self.prepared(plan, precision, None)
            index = torch.arange(plan.batch) % len(subject.names)
            yield plan.forward_way(
                f'{self.title}, {len(subject.names)} datasets mixed',
                precision,
                partial(fast, crops, index),
            )

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        people = plan.written_pictures.people
        fast = self.prepared(plan, precision, plan.subject.dataset)
        crops = plan.subject.crops(people).split(batch_size_of('auto', plan.device))
        alone = partial(_each, fast, crops)
        whole = self._folder(plan, precision)
        yield plan.forward_way(f'{self.title}, predict', precision, whole, count=people)
        name = f'{self.title}, model alone'
        yield plan.forward_way(name, precision, alone, count=people, is_limit=True)

    def _folder(self, plan: Plan, precision: str) -> FolderPrediction:
        options = dict(compile=True) if self.is_compiled else {}
        return FolderPrediction(plan, precision=precision, **options)

    def train(self, plan: Plan) -> Iterator[Way]:
        subject = plan.subject
        if subject.has_several and 'num_experts' in subject.model.network.cfg.model.backbone.ffn:
            plain = trainable(subject, share_ffns)
            yield from steps(plan, f'{self.title}, plain FFNs', plain)
            yield from steps(plan, f'{self.title}, experts', trainable(subject))
        else:
            yield from steps(plan, self.title, trainable(subject))

    def decode(self, plan: Plan) -> Iterator[Way]:
        for keypoints in KEYPOINT_COUNTS:
            heatmaps = gaussians(keypoints, plan.device)
            codec = codec_of('BatchedUDPHeatmap')
            run = partial(codec.batch_decode, heatmaps)
            group = f'{keypoints} keypoints'
            yield Way(f'{self.title}, {group}', 'fp32', run, len(heatmaps), group=group)


class Compiled(Torch):
    """The network, compiled by ``torch.compile``."""

    title = 'torch.compile'
    is_compiled = True

    def train(self, plan: Plan) -> Iterator[Way]:
        yield from ()

    def decode(self, plan: Plan) -> Iterator[Way]:
        yield from ()


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
                config = load_config(plan.calibrate) if plan.calibrate else None
                data = config or training_data(subject, plan.folder)
            model = fold(subject.model, subject.dataset)
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
        inputs = [pixels.to(INPUTS[described.outputs])]
        if described.has_experts:
            inputs.append(torch.full((plan.batch,), plan.subject.number(plan.subject.dataset)))
        name = f'{model.engine.name}, {Path(plan.subject.config).name}'
        yield Way(name, described.precision, partial(model.engine, *inputs), plan.batch)

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        model = plan.subject.model
        name = f'{model.engine.name}, {Path(plan.subject.config).name}, predict'
        people = plan.written_pictures.people
        yield Way(name, model.description.precision, FolderPrediction(plan), people)


def _each(run: Any, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        run(batch)


CALIBRATED = ('int8',)
INPUTS = {KEYPOINTS: torch.uint8, HEATMAPS: torch.float32}
# The words of --engine.
ENGINES: dict[str, type[Contender]] = dict(
    torch=Torch, compile=Compiled, onnx=Onnx, openvino=OpenVino
)
