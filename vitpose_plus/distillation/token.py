"""The knowledge token (ViTPose, section 3.4): trained in a teacher, then used in a student.

Shapes: P prefix tokens, C channels of the student, T channels of the teacher.
"""

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import register_parametrization

from vitpose_plus.distillation.token_file import read_token
from vitpose_plus.errors import UserError
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

NAME = 'prefix_tokens'


class TokenTraining:
    """Stage 1: a trained teacher, of which only the prefix tokens are trained.

    All modules are in evaluation mode: no path is dropped, and batch norms keep their statistics.
    The teacher's checkpoint is given as ``load_from``; a ``KnowledgeTokenHook`` writes the token.

    Attributes:
        deployed_type: The estimator that remains after the training.
        starts_without: Keys that may be missing in the checkpoint from which it starts.
    """

    deployed_type: type[nn.Module]
    starts_without = (f'backbone.{NAME}',)

    def __init__(self, *estimator, **more) -> None:
        super().__init__(*estimator, **more)
        if self.backbone.prefix_tokens is None:
            raise UserError('The backbone has no token to train: give it num_prefix_tokens=1.')
        # This is done here, because the optimiser and DDP must not get the other parameters.
        self.requires_grad_(False)
        self.backbone.prefix_tokens.requires_grad_(True)

    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)


@MODELS.register_module()
class TokenTopdown(TokenTraining, TopdownPoseEstimator):
    """Trains the token of a plain teacher."""

    deployed_type = TopdownPoseEstimator


@MODELS.register_module()
class TokenMultiDatasetTopdown(TokenTraining, MultiDatasetTopdown):
    """Trains the token of a ViTPose+."""

    deployed_type = MultiDatasetTopdown


@MODELS.register_module()
class KnowledgeToken:
    """Stage 2 with a teacher as wide as the student: uses its token, which is not trained.

    Args:
        file: The token file of stage 1.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.saved = read_token(file)

    def check_teacher(self, name: str, sha256: str) -> None:
        """Raises a ``UserError`` unless the token is that of the teacher with these weights."""
        if self.saved.sha256 != sha256:
            raise UserError(
                f'{self.file} is the token of another teacher ({self.saved.teacher}) than {name}: '
                'train the token of this teacher, or give the teacher of the token.'
            )

    def check_number(self, backbone: nn.Module) -> None:
        """Raises a ``UserError`` unless the student has as many prefix tokens as the teacher."""
        given = self.saved.token.shape[1]
        own = 0 if backbone.prefix_tokens is None else backbone.prefix_tokens.shape[1]
        if given != own:
            raise UserError(
                f'{self.file} needs a backbone with num_prefix_tokens={given}, but the '
                f"student's has {own}: correct it."
            )

    def give_to(self, backbone: nn.Module) -> None:
        """Makes the token the prefix of a student's backbone."""
        self.check_number(backbone)
        given, own = self.saved.token.shape[-1], backbone.prefix_tokens.shape[-1]
        if given != own:
            raise UserError(
                f'{self.file} is {given} wide, the student {own}: use MappedKnowledgeToken, which '
                'maps one width to the other.'
            )
        with torch.no_grad():
            backbone.prefix_tokens.copy_(self.saved.token)
        backbone.prefix_tokens.requires_grad_(False)


@MODELS.register_module()
class MappedKnowledgeToken(KnowledgeToken):
    """Stage 2 with a teacher of another width: a trained linear map changes the token's width.

    The paper does not state how a token of 1024 channels enters a student of 768. The map is our
    reading. The token t itself is frozen, and the student's prefix is W t + b. As b is trained, the
    prefix can become any vector: only its initial value depends on the teacher.
    Every state dict contains only W t + b, as ``backbone.prefix_tokens``. A ``TokenMapHook`` saves
    W and b, which are needed to resume.
    """

    def give_to(self, backbone: nn.Module) -> None:
        self.check_number(backbone)
        token_map = TokenMap(self.saved.token.to(backbone.prefix_tokens), len(backbone.norm.weight))
        register_parametrization(backbone, NAME, token_map)
        nn.init.zeros_(backbone.parametrizations[NAME].original)
        backbone.register_state_dict_post_hook(_fold)
        backbone.register_load_state_dict_pre_hook(_unfold)


class TokenMap(nn.Module):
    """A bias (1, P, C) -> the prefix tokens W t + bias, (1, P, C); it is a parametrization.

    Args:
        token: t, (1, P, T).
        dim: C. W is initialised so that the values of W t are about as large as those of t.
    """

    def __init__(self, token: Tensor, dim: int) -> None:
        super().__init__()
        self.register_buffer('token', token, persistent=False)
        self.weight = nn.Parameter(token.new_empty(dim, token.shape[-1]))
        nn.init.normal_(self.weight, std=token.shape[-1] ** -0.5)

    def forward(self, bias: Tensor) -> Tensor:
        return bias + F.linear(self.token, self.weight)

    def right_inverse(self, prefix: Tensor) -> Tensor:
        """The bias for which the result is ``prefix``."""
        return prefix - F.linear(self.token, self.weight)


def map_parameters(model: nn.Module) -> dict[str, Tensor]:
    """W and b by their names in the model; empty if its token is not mapped."""
    own = f'backbone.parametrizations.{NAME}.'
    return {name: p for name, p in model.named_parameters() if name.startswith(own)}


def _fold(backbone: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    """After saving: replaces the map by the prefix tokens, as in a plain backbone."""
    own = f'{prefix}parametrizations.'
    for name in [name for name in state_dict if name.startswith(own)]:
        del state_dict[name]
    state_dict[prefix + NAME] = backbone.prefix_tokens.detach()


def _unfold(backbone: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    """Before loading: keeps a saved map, or sets the bias that results in the folded tokens."""
    own = f'{prefix}parametrizations.{NAME}.'
    folded = state_dict.pop(prefix + NAME, None)
    if folded is not None and f'{own}original' not in state_dict:
        token_map = backbone.parametrizations[NAME][0]
        state_dict[f'{own}0.weight'] = token_map.weight.detach()
        folded = folded.to(token_map.weight)
        state_dict[f'{own}original'] = token_map.right_inverse(folded).detach()
