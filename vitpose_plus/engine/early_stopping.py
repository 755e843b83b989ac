"""Stops a training early, also if it was stopped and resumed meanwhile."""

from mmengine.hooks import EarlyStoppingHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

# Key in the message hub, and so in the checkpoints. Names that begin with train, val or test are
# logged as metrics.
STATE = 'early_stopping'


@HOOKS.register_module()
class ResumableEarlyStoppingHook(EarlyStoppingHook):
    """mmengine's hook, which also saves the best score and the number of validations without one.

    With ``ExactTrainLoop`` and ``WholeCheckpointHook``, a training that is stopped and resumed ends
    at the same iteration as one that was never stopped. If a training has ended early, it continues
    only if it is resumed with a larger ``patience``.
    """

    priority = 'LOW'  # before the hook that saves, so that its files contain the new state

    def before_train(self, runner: Runner) -> None:
        hub = runner.message_hub
        if not runner.iter:  # two trainings that begin in the same second share their hub
            hub.pop_info(STATE)
            return
        state = hub.get_info(STATE, {})
        self.best_score = state.get('best', self.best_score)
        self.wait_count = state.get('wait', self.wait_count)
        if state and self._is_over():
            runner.train_loop.stop_training = True
            runner.logger.info(self._sentence())

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        super().after_val_epoch(runner, metrics)
        state = dict(best=float(self.best_score), wait=self.wait_count)
        runner.message_hub.update_info(STATE, state)

    def _check_stop_condition(self, current_score: float) -> tuple[bool, str]:
        stop, reason = super()._check_stop_condition(current_score)
        sentence = self._sentence() if self._is_over() else f'The training stops early: {reason}'
        return stop, sentence if stop else reason

    def _is_over(self) -> bool:
        return self.wait_count >= self.patience or self._is_reached()

    def _is_reached(self) -> bool:
        better = self.rule_map[self.rule]
        limit = self.stopping_threshold
        return limit is not None and better(self.best_score, limit)

    def _sentence(self) -> str:
        if self._is_reached():
            reason = f'is {self.rule} than {self.stopping_threshold:g}'
        else:
            reason = f'has not improved in {self.wait_count} validations'
        return (
            f'The training stops early, as {self.monitor} {reason}; its best value is '
            f'{self.best_score:.4g}.'
        )
