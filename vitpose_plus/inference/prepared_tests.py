"""``test``: replaces the model by its fast form, after its weights are loaded."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.inference.prepared import prepare


class PrepareHook(Hook):
    """Tests the fast form of the model (``prepare``).

    The fast form has copies of weights, so all hooks that change weights run before.

    Args:
        precision: The precision of the network.
        compile: Whether ``torch.compile`` makes the network faster.
    """

    priority = 'LOWEST'

    def __init__(self, precision: str, compile: bool) -> None:
        self.precision, self.compile = precision, compile

    def before_test_epoch(self, runner: Runner) -> None:
        is_wrapped = is_model_wrapper(runner.model)
        model = unwrapped(runner.model)
        fast = prepare(model, precision=self.precision, compile=self.compile)
        if is_wrapped:
            runner.model.module = fast.network
        else:
            runner.model = fast.network
        runner.logger.info(f'The network computes in {fast.precision}.')
