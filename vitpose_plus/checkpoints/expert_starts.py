"""Weight initialisers of a model with one expert, which starts from a ViTPose+.

All tensors of the backbone that are no expert's are loaded as they are in the file. The position
table is an exception if the model has another input size: then it is resized.
"""

import difflib
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

from vitpose_plus.checkpoints.experts import expert_weights, mean_expert, shared_weights
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.initialising import PretrainedBackbone
from vitpose_plus.checkpoints.layouts.heads import dataset_heads, decoder_of
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.checkpoints.starts import Start, find_start, locate, read_weights
from vitpose_plus.errors import UserError, closest

FINAL = 'final_layer.'  # the layer of a decoder that depends on the keypoints


class _OneExpert(PretrainedBackbone):
    """Loads the shared weights of a ViTPose+, and one expert."""

    @property
    def option(self) -> str:
        return f'--expert-of CONFIG {self.checkpoint}'

    def _start(self, own: State) -> tuple[Start, State]:
        start = find_start(self.checkpoint)
        if not start.experts:
            raise UserError(f'{start.path} has no experts: give the checkpoint of a ViTPose+.')
        return start, shared_weights(start.state_dict) | self._expert(start)

    @abstractmethod
    def _expert(self, start: Start) -> State:
        """The weights of the expert; each tensor (1, ...)."""


@WEIGHT_INITIALIZERS.register_module()
class PretrainedExpert(_OneExpert):
    """Starts a backbone with one expert from the expert of a dataset; for the ``init_cfg``.

    Args:
        checkpoint: A ViTPose+: a released name, a file, or a URL.
        expert: The dataset of the expert.
    """

    def __init__(self, checkpoint: str, expert: str) -> None:
        super().__init__(checkpoint, expert)

    def _expert(self, start: Start) -> State:
        check_expert(self.expert, start.experts, start.path)
        return expert_weights(start.state_dict, start.experts.index(self.expert))

    def _describe_experts(self, start: Start, state: State) -> tuple[str, list[str]]:
        others = [name for name in start.experts if name != self.expert]
        return f'; its expert starts as that of {self.expert}', others


@WEIGHT_INITIALIZERS.register_module()
class PretrainedMeanExpert(_OneExpert):
    """Starts a backbone with one expert from the mean of all experts; for the ``init_cfg``.

    Args:
        checkpoint: A ViTPose+: a released name, a file, or a URL.
    """

    def __init__(self, checkpoint: str) -> None:
        super().__init__(checkpoint)

    def _expert(self, start: Start) -> State:
        return mean_expert(start.state_dict)

    def _describe_experts(self, start: Start, state: State) -> tuple[str, list[str]]:
        return f'; its expert starts as the mean of those of {", ".join(start.experts)}', []


@WEIGHT_INITIALIZERS.register_module()
class PretrainedDecoder(PretrainedInit):
    """Starts the decoder of a new dataset from that of another one, without its last layer.

    If the checkpoint has no head for that dataset, the decoder keeps its random weights. In an
    ``init_cfg`` it comes after the random initialisers.

    Args:
        checkpoint: A ViTPose+: a released name, a file, or a URL.
        dataset: The dataset whose decoder is copied.
    """

    def __init__(self, checkpoint: str, dataset: str) -> None:
        super().__init__(checkpoint)
        self.dataset = dataset

    def __call__(self, module: nn.Module) -> None:
        if given := self.copied():
            own = {k: v for k, v in module.state_dict().items() if k.startswith(FINAL)}
            check_fit(given | own, module, f'{self.checkpoint} (the head of {self.dataset})')
            module.load_state_dict(given, strict=False)  # compared before
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    def copied(self) -> State:
        """The weights that are copied, without a prefix; empty if there are none."""
        return _without_last_layer(decoder_of(self._state, self.dataset))

    def describe(self) -> str:
        """Returns a sentence: the number of copied tensors, or why there are none."""
        given = decoder_of(self._state, self.dataset)
        if copied := _without_last_layer(given):
            others = [name for name in dataset_heads(self._state) if name != self.dataset]
            left_out = f'; left out: the heads of {", ".join(others)}' if others else ''
            return (
                f'The head starts from {self.checkpoint} as that of {self.dataset}, without its '
                f'last layer: {len(copied)} tensors{left_out}.'
            )
        found = 'only the last layer of the head' if given else 'no head'
        return (
            f'The head starts from random weights: {self.checkpoint} has {found} of {self.dataset}.'
        )

    @cached_property
    def _state(self) -> State:
        return read_weights(locate(self.checkpoint)).state_dict


def _without_last_layer(decoder: State) -> State:
    return {key: value for key, value in decoder.items() if not key.startswith(FINAL)}


def check_expert(name: str, experts: Sequence[str], path: str) -> None:
    """Raises a ``UserError`` if a file with these experts has none of the dataset ``name``."""
    if name not in experts:
        close = closest(difflib.get_close_matches(name, experts, n=1))
        raise UserError(f'{path} has no expert {name!r}{close}: give one of {", ".join(experts)}.')
