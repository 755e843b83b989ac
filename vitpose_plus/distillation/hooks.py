"""Hooks that save the token of stage 1 and the map of stage 2 with each checkpoint."""

from pathlib import Path

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.distillation.token import map_parameters
from vitpose_plus.distillation.token_file import SavedToken, fingerprint, write_token
from vitpose_plus.errors import UserError

TOKEN, TEACHER, MAP = 'token.pth', 'teacher', 'token_map'


@HOOKS.register_module()
class KnowledgeTokenHook(Hook):
    """Stage 1: with every checkpoint, writes ``token.pth`` into the training folder."""

    teacher = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        own = f'{Path(runner.cfg.filename or "").stem}, {runner.cfg.load_from}'
        self.teacher = checkpoint.get(TEACHER, own)  # the checkpoint of a resumed run has it

    def before_train(self, runner: Runner) -> None:
        if self.teacher is None:
            raise UserError(
                f'{runner.cfg.filename or "The config"} trains the token of a teacher, but loads '
                "no teacher: give the teacher's checkpoint as load_from."
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        state = checkpoint['state_dict']
        checkpoint[TEACHER] = self.teacher
        saved = SavedToken(state['backbone.prefix_tokens'], self.teacher, fingerprint(state))
        write_token(Path(runner.work_dir) / TOKEN, saved)


@HOOKS.register_module()
class TokenMapHook(Hook):
    """Stage 2: saves the map of a ``MappedKnowledgeToken`` in the checkpoint, beside the weights.

    In the weights the map is folded into the prefix tokens. To resume the training, the map itself
    is needed.
    """

    priority = 'VERY_LOW'  # after the guard, which compares the folded weights

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        mapped = map_parameters(unwrapped(runner.model))
        checkpoint[MAP] = {name: value.detach().cpu().clone() for name, value in mapped.items()}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if map_parameters(unwrapped(runner.model)):
            checkpoint['state_dict'].update(checkpoint.get(MAP, {}))
