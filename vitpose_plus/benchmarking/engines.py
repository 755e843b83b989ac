"""The engines of this package; those of exported files are in ``exported``."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.decoding import KEYPOINT_COUNTS, codec_of, decoding, gaussians
from vitpose_plus.benchmarking.exported import Onnx, OpenVino
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.predicting import FolderPrediction
from vitpose_plus.benchmarking.training import share_ffns, steps, trainable
from vitpose_plus.benchmarking.ways import Role, Way
from vitpose_plus.inference.batches import batch_size_of
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
        yield plan.forward_way(f'{self.title}, predict', precision, whole, people)
        name = f'{self.title}, model alone'
        yield plan.forward_way(name, precision, alone, people, role=Role.PART)

    def _folder(self, plan: Plan, precision: str) -> FolderPrediction:
        options = dict(compile=True) if self.is_compiled else {}
        return FolderPrediction(plan, precision=precision, **options)

    def train(self, plan: Plan) -> Iterator[Way]:
        subject = plan.subject
        if subject.has_several and 'num_experts' in subject.model.network.cfg.model.backbone.ffn:
            experts = self.trained(trainable(subject))  # first: the others are compared with it
            yield from steps(plan, f'{self.title}, experts', experts)
            plain = self.trained(trainable(subject, share_ffns))
            yield from steps(plan, f'{self.title}, plain FFNs', plain)
        else:
            yield from steps(plan, self.title, self.trained(trainable(subject)))

    def trained(self, network: nn.Module) -> nn.Module:
        """The network as it is trained."""
        return network

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

    def trained(self, network: nn.Module) -> nn.Module:
        network.backbone.compile(fullgraph=True)  # as ``CompileHook``
        return network

    def decode(self, plan: Plan) -> Iterator[Way]:
        yield from ()


def _each(run: Any, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        run(batch)


# The words of --engine.
ENGINES: dict[str, type[Contender]] = dict(
    torch=Torch, compile=Compiled, onnx=Onnx, openvino=OpenVino
)
