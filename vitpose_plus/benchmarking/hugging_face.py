"""``VitPoseForPoseEstimation`` of transformers, with the weights of the measured model."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmpose.structures.bbox import bbox_xyxy2xywh
from PIL import Image
from torch import Tensor, nn

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.subjects import Subject
from vitpose_plus.benchmarking.ways import Role, Way
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.hugging_face import config_json
from vitpose_plus.checkpoints.layouts.heads import own_prefix
from vitpose_plus.errors import UserError
from vitpose_plus.inference.compilers import compiler_of
from vitpose_plus.inference.precisions import PRECISIONS

HEAD = 'head.'


class HuggingFacePlain(Contender):
    """The plain model of one dataset."""

    title = 'Hugging Face, plain'
    precisions = ('fp32', 'bf16', 'fp16')
    whole_precisions = ('fp32',)  # as it comes
    packages = ('transformers',)

    def model(self, subject: Subject) -> nn.Module | None:
        """The model in float32, on the device; None if it is not a model of this kind."""
        network = subject.plain.network
        return converted(network.state_dict(), network, subject.device)

    def index(self, subject: Subject, count: int) -> Tensor | None:
        """The numbers of the experts (count,) of crops of the first dataset."""
        return None

    def finished(self, model: nn.Module) -> nn.Module:
        """The model as it is run."""
        return model

    def _model(self, plan: Plan) -> nn.Module | None:
        try:
            return self.model(plan.subject)
        except UserError as error:
            plan.note(f'{self.title} is not measured: {error}')
            return None

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        if (model := self._model(plan)) is None:
            return
        dtype = PRECISIONS[precision]
        crops = plan.subject.crops(plan.batch).to(dtype)
        model = self.finished(model.to(dtype))
        run = partial(heatmaps_of, model, crops, self.index(plan.subject, plan.batch))
        yield plan.forward_way(self.title, precision, run, role=Role.OTHER)

    def predict(self, plan: Plan, precision: str) -> Iterator[Way]:
        if (model := self._model(plan)) is None:
            return
        height, width = plan.subject.input_hw
        processor = _processor(height, width)
        pictures = plan.written_pictures
        boxes = {path: bbox_xyxy2xywh(each) for path, each in pictures.boxes.items()}
        index = {len(each): self.index(plan.subject, len(each)) for each in boxes.values()}
        run = partial(predict_pictures, model, processor, boxes, index, plan.device)
        name = f'{self.title}, processor and model'
        yield plan.forward_way(name, precision, run, pictures.people, role=Role.OTHER)


class HuggingFaceExperts(HuggingFacePlain):
    """The model with all experts and the head of one dataset."""

    title = 'Hugging Face, experts'

    def model(self, subject: Subject) -> nn.Module | None:
        if not subject.has_several:
            return None
        own = own_prefix(subject.dataset)
        state = subject.network.state_dict().items()
        kept = {k: v for k, v in state if not k.startswith(HEAD) or k.startswith(own)}
        if not any('.ffn.experts.' in key for key in kept):
            return None
        return converted(kept, subject.network, subject.device)

    def index(self, subject: Subject, count: int) -> Tensor | None:
        return torch.full((count,), subject.number(subject.dataset), device=subject.device)


class CompiledHuggingFacePlain(HuggingFacePlain):
    """The plain model, compiled."""

    title = 'Hugging Face, plain, compiled'
    whole_precisions = ()

    def finished(self, model: nn.Module) -> nn.Module:
        return compiled(model)


class CompiledHuggingFaceExperts(HuggingFaceExperts):
    """The model with experts, compiled."""

    title = 'Hugging Face, experts, compiled'
    whole_precisions = ()

    def finished(self, model: nn.Module) -> nn.Module:
        return compiled(model)


def compiled(model: nn.Module) -> nn.Module:
    """The model, compiled with the options that ``prepare`` uses: CUDA graphs on a GPU."""
    options = compiler_of(next(model.parameters()).device).options
    return torch.compile(model, dynamic=False, **options)


def converted(state: dict[str, Tensor], network: nn.Module, device: torch.device) -> Any:
    """A model of transformers with these weights.

    Args:
        state: The weights of a model for one dataset, in our layout.
        network: The network, for its settings.
        device: The device of the result.

    Raises:
        UserError: transformers has no class for them.
    """
    import transformers

    own = convert(state, source='vitpose_plus', target='hf').state_dict
    settings = config_json(own, network)
    config = transformers.VitPoseConfig(**settings)
    config.backbone_config._attn_implementation = 'sdpa'
    model = transformers.VitPoseForPoseEstimation(config)
    model.load_state_dict(own)
    return model.to(device).eval()


@torch.inference_mode()
def heatmaps_of(model: Any, crops: Tensor, index: Tensor | None) -> Tensor:
    """Normalised crops (B, 3, height, width) -> heatmaps (B, K, h, w)."""
    return model(crops, dataset_index=index).heatmaps


def _processor(height: int, width: int) -> Any:
    from transformers import VitPoseImageProcessor

    return VitPoseImageProcessor(size=dict(height=height, width=width))


@torch.inference_mode()
def predict_pictures(
    model: Any,
    processor: Any,
    boxes: dict[Path, np.ndarray],
    index: dict[int, Tensor | None],
    device: torch.device,
) -> None:
    """Predicts one picture after the other, as the documentation of transformers does.

    Args:
        boxes: Picture -> x, y, width, height (N, 4).
        index: The numbers of the experts (N,), for every N.
    """
    for path, own in boxes.items():
        with Image.open(path) as image:
            inputs = processor(image, boxes=[own], return_tensors='pt').to(device)
            outputs = model(**inputs, dataset_index=index[len(own)])
            processor.post_process_pose_estimation(outputs, boxes=[own])
