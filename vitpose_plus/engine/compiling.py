"""Compiles the backbone of a top-down model for a training (``torch.compile``)."""

import os
import shutil
import sys

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import MODELS

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.errors import UserError

INDUCTOR = 'inductor'  # torch's default backend, which needs a C++ compiler


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles the backbone before the first step, as one graph without breaks.

    Validations within the training use the compiled backbone, too. torch compiles it for the first
    batch, and once more for batches of any size: then a smaller last batch compiles nothing. The
    weights keep their names, so checkpoints are those of a training that is not compiled. Copies of
    the model, such as a moving average, are not compiled.

    The heads are not compiled. The number of samples of a dataset is different in every batch, and
    nearly all of the time is spent in the backbone.

    Args:
        options: Arguments of ``torch.compile``, for example ``backend`` or ``mode``.
    """

    def __init__(self, **options) -> None:
        self.options = options

    def before_train(self, runner: Runner) -> None:
        backbone = unwrapped(runner.model).backbone
        backbone.compile(fullgraph=True, **self.options)
        runner.logger.info('The backbone is compiled in the first iterations, which take longer.')


def add_compiling(cfg: Config) -> None:
    """Adds the hook to a config that has none."""
    if not hooks_of(cfg):
        hooks = dict(cfg.get('default_hooks') or {})
        own = dict(hooks.get('compile') or {}, type=CompileHook.__name__)
        cfg.default_hooks = dict(hooks, compile=own)


def check_compiling(cfg: Config) -> None:
    """Raises a ``UserError`` if the config has the hook, but its model cannot be compiled."""
    hooks = hooks_of(cfg)
    if not hooks:
        return
    where = cfg.filename or 'The config'
    if not _is_topdown(cfg.model):
        raise UserError(
            f'{where} has a {cfg.model.get("type")}, but CompileHook (--compile) is for top-down '
            'models: leave it out.'
        )
    if cfg.get('strategy'):
        raise UserError(
            f'{where} distributes the model over several devices (strategy), which CompileHook '
            '(--compile) does not support: leave one of the two out.'
        )
    if hooks[0].get('backend', INDUCTOR) == INDUCTOR and get_device() == 'cpu':
        require_cxx()


def require_cxx() -> None:
    """Raises a ``UserError`` if ``torch.compile`` has no C++ compiler for the processor."""
    compiler = cxx_compiler()
    if not shutil.which(compiler):
        raise UserError(
            f'--compile (CompileHook) needs a C++ compiler, but {compiler} is not installed: '
            'install it (Debian and Ubuntu: apt install g++), set the variable CXX to another '
            'one, or leave --compile out.'
        )


def hooks_of(cfg: Config) -> list[dict]:
    """The configs of all hooks that compile."""
    hooks = [*cfg.get('default_hooks', {}).values(), *(cfg.get('custom_hooks') or ())]
    return [hook for hook in hooks if hook and _is_hook(hook.get('type'))]


def cxx_compiler() -> str:
    """The C++ compiler that ``torch.compile`` calls, as the name or the path of a program."""
    return os.environ.get('CXX') or ('clang++' if sys.platform == 'darwin' else 'g++')


def _is_hook(kind: str | type | None) -> bool:
    kind = HOOKS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, CompileHook)


def _is_topdown(model: dict) -> bool:
    kind = model.get('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, TopdownPoseEstimator)
