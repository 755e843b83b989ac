"""A weight initialiser that loads a backbone from any checkpoint of a ViTPose or ViTPose+."""

from collections.abc import Collection

from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

from vitpose_plus.checkpoints.experts import count_experts
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.checkpoints.starts import KERNEL, Start, depth_of, find_start
from vitpose_plus.errors import UserError

TOKENS = 'backbone.prefix_tokens'  # start from random values
CONVERT = 'run python -m vitpose_plus convert IN OUT --config CONFIG, and give OUT'


@WEIGHT_INITIALIZERS.register_module()
class PretrainedBackbone(PretrainedInit):
    """Loads a backbone from a checkpoint in any layout; for the ``init_cfg`` of a ``ViT``.

    The head of the checkpoint is left out. If the checkpoint has experts but the model has none,
    one expert is folded into plain FFNs. Positions are resized when they are loaded.

    Args:
        checkpoint: A released name, a file, a folder of Hugging Face or a URL.
        expert: The dataset of the expert that is folded; by default the first.
    """

    def __init__(self, checkpoint: str, expert: str | None = None) -> None:
        super().__init__(checkpoint)
        self.expert = expert

    @property
    def option(self) -> str:
        """The option of ``new-dataset`` that chooses this start."""
        return f'--pretrained {self.checkpoint}'

    def __call__(self, module: nn.Module) -> None:
        state = self.check(module)
        own = {key.removeprefix('backbone.'): value for key, value in state.items()}
        module.load_state_dict(own, strict=False)  # compared by ``check``
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    def check(
        self,
        backbone: nn.Module,
        hint: str = 'give a start of this architecture, or change arch and patch in the config',
    ) -> State:
        """Returns the weights for a backbone, with keys ``backbone.*``.

        Args:
            backbone: The backbone, which may be on the meta device.
            hint: What to do if the checkpoint has another architecture.

        Raises:
            UserError: The checkpoint does not fit the backbone.
        """
        parent = nn.ModuleDict(dict(backbone=backbone))
        own = parent.state_dict()
        start, state = self._start(own)
        given, expected = _architecture(state), _architecture(own)
        if given != expected:
            raise UserError(f'{start.path} has {given}, but the model has {expected}: {hint}.')
        experts, wanted = count_experts(state), count_experts(own)
        if experts not in (0, wanted):
            raise UserError(
                f'{start.path} has {experts} experts, but the model has {wanted}: give a ViTPose+ '
                'with as many; leave --pretrained out for a config of new-dataset --expert-of.'
            )
        random = {key: value for key, value in own.items() if key == TOKENS}
        check_fit({**random, **state}, parent, start.path, CONVERT)
        return state

    def describe(self, backbone: nn.Module, used: Collection[str] = ()) -> str:
        """Returns a sentence: the number of loaded tensors, the expert, and the parts left out.

        Args:
            backbone: The backbone, which may be on the meta device.
            used: The parts of the checkpoint that other parts of the model start from.
        """
        start, state = self._start(nn.ModuleDict(dict(backbone=backbone)).state_dict())
        experts, others = self._describe_experts(start, state)
        left_out = [part for part in start.left_out if part not in used]
        if others:
            left_out.append(f'the experts of {", ".join(others)}')
        return (
            f'The backbone starts from {start.path} ({LAYOUTS[start.layout].title}): {len(state)} '
            f'tensors{experts}; left out: {", ".join(left_out) or "nothing"}.'
        )

    def _describe_experts(self, start: Start, state: State) -> tuple[str, list[str]]:
        """What is done with experts, for a message, and the experts that are left out."""
        if not count_experts(start.state_dict) or count_experts(state):
            return '', []
        others = [name for name in start.experts if name != start.expert]
        return f'; the expert of {start.expert} is folded into plain FFNs', others

    def _start(self, own: State) -> tuple[Start, State]:
        """The start, and its weights: folded if ``own``, the model's weights, have no experts."""
        start = find_start(self.checkpoint, self.expert)
        if not count_experts(own):
            return start, start.folded()
        if self.expert:
            raise UserError(
                f'The model has experts of its own, so no expert of {start.path} is folded: leave '
                f'--expert {self.expert} out.'
            )
        return start, start.state_dict


def _architecture(state: State) -> str:
    """The sizes of a backbone, for a message."""
    dim, _, height, width = state[KERNEL].shape
    return f'{depth_of(state)} layers of width {dim} and patches of {height}x{width}'
