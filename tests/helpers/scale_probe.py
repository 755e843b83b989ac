"""A hook that test_sharding.py adds to a training: it writes a report of all processes."""

import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class ScaleReportHook(Hook):
    """Writes mean losses over processes, gradient norms before clipping, and parameter groups."""

    def before_train(self, runner):
        self.report = dict(losses=[], norms=[])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        loss = outputs['loss'].detach().double()
        all_reduce(loss, 'mean')
        self.report['losses'].append(loss.item())
        if norms := runner.message_hub.log_scalars.get('train/grad_norm'):
            self.report['norms'].append(norms.current())

    def after_train(self, runner):
        groups = runner.optim_wrapper.optimizer.param_groups
        self.report['groups'] = [
            {key: group[key] for key in ('param_names', 'lr', 'weight_decay')} for group in groups
        ]
        self.report['held'] = sum(p.numel() for group in groups for p in group['params'])
        if is_main_process():
            torch.save(self.report, f'{runner.work_dir}/report.pth')
