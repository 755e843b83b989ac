"""The authors' training of ViTPose+: losses, gradients, batch norms, steps of the optimiser.

The authors' position table has an extra row, once the class token's, that is added to all patches.
In our table this row is already added. The function and its gradient are the same, but Adam's steps
differ: in the authors' model two parameters move whose sum is used, and clipping counts both.
``ExtraRow`` gives our model these two parameters, so that everything can be compared. ``LEFT_OUT``
lists the parameters that cannot be compared without it.
"""

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpose.registry import MODELS
from torch import nn
from torch.nn.utils import parametrize

MIXED = ['C_moe_all.npz', 'C_moe_absent.npz']
TABLE = 'backbone.pos_embed'
# Not compared after a step without ``ExtraRow``. So C_moe_three_steps needs it from step two on.
LEFT_OUT = {TABLE: "the authors' positions move twice, by the extra row and by their own row"}
BOTH_TABLES = pytest.mark.parametrize('extra_row', [False, True], ids=['our table', 'official'])


class ExtraRow(nn.Module):
    """The position table (1, H, W, C) as the sum of a table and an extra row for all patches."""

    def forward(self, rows, extra):
        return rows + extra

    def right_inverse(self, table):
        return table.clone(), torch.zeros_like(table[:, :1, :1])


class Training:
    """Our model in the authors' training of the six datasets."""

    def __init__(self, ours, cfg, state, meta):
        self.ours, self.names = ours, ours.names_of(meta)
        self.keypoints = meta['keypoints_per_head']
        self.model = ours.load(cfg, state).train()
        if 'optimizer' in meta:
            self.optimizer = build_optim_wrapper(self.model, optimizer_config(cfg, meta))

    def with_extra_row(self, table):
        """Trains the authors' table (1, 1 + H * W, C) as two parameters, as they do."""
        groups = self.optimizer.optimizer.param_groups
        [group] = [group for group in groups if TABLE in group['param_names']]
        place = group['param_names'].index(TABLE)
        backbone = self.model.backbone
        parametrize.register_parametrization(backbone, 'pos_embed', ExtraRow())
        rows, extra = backbone.parametrizations.pos_embed.parameters()
        with torch.no_grad():
            extra.copy_(torch.from_numpy(table)[:, :1, None])
            rows.copy_(torch.from_numpy(table)[:, 1:].view_as(rows))
        group['params'][place : place + 1] = [rows, extra]
        return self

    def losses(self, images, dataset_idx, target, target_weight):
        """The losses by the authors' names, and their sum; computes the gradients of the sum."""
        samples = [
            self.ours.labelled(t[: self.keypoints[i]], w[: self.keypoints[i]], self.names[i])
            for t, w, i in zip(target, target_weight, dataset_idx.tolist(), strict=True)
        ]
        losses = self.model.loss(torch.from_numpy(images), samples)
        total, _ = self.model.parse_losses(losses)
        self.model.zero_grad()
        total.backward()
        found = {'total_loss': total.item()}
        for number, name in enumerate(self.names):
            official = str(number) if number else 'main_stream'
            found[f'{official}_loss'] = losses.pop(f'{name}.loss_kpt').item()
            found[f'{official}_acc'] = losses.pop(f'{name}.acc_pose').item()
        assert not losses
        return found

    def official(self, part=lambda parameter: parameter):
        """Every parameter, or a part of it such as its gradient, by the authors' name."""
        values = {n: part(p).detach().clone() for n, p in self.model.named_parameters()}
        table = f'{TABLE.replace("backbone", "backbone.parametrizations")}.original'
        if f'{table}0' not in values:
            return self.ours.official(values)
        values[TABLE], extra = values.pop(f'{table}0'), values.pop(f'{table}1')
        return self.ours.official(values, extra_row=extra.flatten())

    def gradients(self):
        return self.official(lambda parameter: parameter.grad)


def optimizer_config(cfg, meta):
    """The optimiser of our config, with the numbers of ``meta``."""
    given, wrapper = meta['optimizer'], cfg.optim_wrapper
    assert given['type'] == wrapper.optimizer.type
    wrapper.optimizer.update({k: given[k] for k in ('lr', 'betas', 'eps', 'weight_decay')})
    wrapper.paramwise_cfg.update({k: given[k] for k in ('num_layers', 'layer_decay_rate')})
    wrapper.clip_grad.max_norm = given['clip_max_norm']
    return wrapper


@pytest.fixture
def train(golden, ours):
    """A function: the name of a file -> its arrays, its meta, and the training."""
    state, _ = golden('C_moe_state.npz')

    def build(file, extra_row=False):
        arrays, meta = golden(file)
        cfg = ours.config(meta, head='WholeBatchMultiDatasetHead')
        given = {k: v for k, v in arrays.items() if k.startswith('state/')}
        weights = ours.state_of(cfg, {**state, **given})
        training = Training(ours, cfg, weights, meta)
        if extra_row:
            training.with_extra_row(state[f'state/{TABLE}'])
        return arrays, meta, training

    return build


def batch(arrays, prefix='in/'):
    return [arrays[f'{prefix}{part}'] for part in ('img', 'dataset_idx', 'target', 'target_weight')]


def group_of(arrays, prefix):
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def norm_of(values):
    return np.sqrt(sum(np.square(value, dtype=float).sum() for value in values.values()))


def check_losses(found, arrays, prefix, rtol, atol):
    for name, value in found.items():
        tolerance = dict(rtol=0, atol=0) if name.endswith('acc') else dict(rtol=rtol, atol=atol)
        np.testing.assert_allclose(value, arrays[f'{prefix}{name}'], **tolerance, err_msg=name)


@pytest.mark.parametrize('file', MIXED)
def test_losses_and_batch_norms(file, train, ours):
    arrays, _, training = train(file)
    check_losses(training.losses(*batch(arrays)), arrays, 'train/', rtol=0, atol=1e-6)
    after = ours.official(training.model.state_dict())
    buffers = group_of(arrays, 'train/buffers_after/')
    assert buffers
    for name, expected in buffers.items():
        np.testing.assert_allclose(after[name], expected, rtol=0, atol=1e-5, err_msg=name)


@BOTH_TABLES
@pytest.mark.parametrize('file', MIXED)
def test_gradients(file, extra_row, train):
    arrays, meta, training = train(file, extra_row)
    training.losses(*batch(arrays))
    found, expected = training.gradients(), group_of(arrays, 'grad/')
    if not extra_row:
        found[TABLE][:, 0] = found[TABLE][:, 1:].sum(1)  # as this row is added to all others
    assert set(found) == set(expected)
    for name in meta['zero_gradient_parameters']:
        assert not found[name].any(), name
    for name, norm in group_of(arrays, 'grad_norm/').items():
        np.testing.assert_allclose(np.linalg.norm(found[name]), norm, rtol=1e-4, err_msg=name)
        difference = np.linalg.norm(found[name] - expected[name])
        np.testing.assert_allclose(difference / (norm or 1.0), 0, atol=1e-4, err_msg=name)
    norm = arrays['step/grad_norm_before_clip']
    np.testing.assert_allclose(norm_of(found), norm, rtol=1e-4)


@BOTH_TABLES
def test_one_step(extra_row, train):
    """Compared where the gradient is more than noise, since Adam divides by its size."""
    arrays, meta, training = train('C_moe_absent.npz', extra_row)
    training.losses(*batch(arrays))
    training.optimizer.step()
    found, expected = training.official(), group_of(arrays, 'step/param_after/')
    assert set(found) == set(expected)
    for name, after in expected.items():
        if not extra_row and name in LEFT_OUT:
            continue
        mask = np.abs(arrays[f'grad/{name}']) > 1e-6
        mask |= name in meta['zero_gradient_parameters']
        np.testing.assert_allclose(found[name][mask], after[mask], rtol=0, atol=1e-6, err_msg=name)


def test_three_steps(train):
    """Compares losses, gradients, norms, and steps except qkv.bias: keys have no true gradient."""
    arrays, meta, training = train('C_moe_three_steps.npz', extra_row=True)
    names = meta['param_names']
    before = training.official()
    for step in range(len(meta['mixes'])):
        here = group_of(arrays, f'step{step}/')
        here['target'] = here['target_f16'].astype(np.float32)
        check_losses(training.losses(*batch(here, '')), here, '', rtol=1e-4, atol=0)
        norm = here['grad_norm_before_clip']
        np.testing.assert_allclose(norm_of(training.gradients()), norm, rtol=1e-4)
        training.optimizer.step()
        after = training.official()
        assert set(after) == set(names)
        sizes = [np.linalg.norm(after[name].astype(float)) for name in names]
        np.testing.assert_allclose(sizes, here['param_norm'], rtol=1e-3)
        changes = [np.linalg.norm(after[name].astype(float) - before[name]) for name in names]
        mask = [not name.endswith('attn.qkv.bias') for name in names]
        np.testing.assert_allclose(np.array(changes)[mask], here['delta_norm'][mask], rtol=1e-2)
        before = after


def test_the_unmodified_pass_with_all_heads_as_wide_as_the_widest(train, golden):
    """Targets are padded to this width. Each loss times width / K is that with cut targets."""
    arrays, meta, training = train('C_moe_133wide.npz')
    inputs, cut = golden('C_moe_all.npz')
    check_losses(training.losses(*batch(inputs)), arrays, 'train/', rtol=0, atol=1e-6)
    widths = zip(meta['keypoints_per_head'], cut['keypoints_per_head'], strict=True)
    for number, (wide, own) in enumerate(widths):
        name = f'train/{number or "main_stream"}'
        scaled = arrays[f'{name}_loss'] * wide / own
        np.testing.assert_allclose(scaled, inputs[f'{name}_loss'], rtol=0, atol=1e-6)
        assert arrays[f'{name}_acc'] == inputs[f'{name}_acc']


@pytest.mark.parametrize('weighted', [True, False])
def test_weights_enter_the_authors_loss_squared(weighted, golden):
    """They multiply prediction and target, mmpose's the squared error: equal for 0 and 1."""
    arrays, meta = golden('C_loss_weights.npz')
    output, target, weights = (
        torch.from_numpy(arrays[name]) for name in ('output', 'target', 'target_weight')
    )
    cfg = dict(type='KeypointMSELoss', loss_weight=meta['loss_weight'])
    loss_module = MODELS.build(dict(cfg, use_target_weight=weighted))
    output.requires_grad_()
    squared = weights.squeeze(-1) ** 2 if weighted else None
    loss = loss_module(output, target, squared)
    loss.backward()
    expected = arrays[f'loss_use_target_weight_{weighted}']
    np.testing.assert_allclose(loss.detach(), expected, rtol=0, atol=1e-6)
    expected = arrays[f'grad_output_use_target_weight_{weighted}']
    difference = np.linalg.norm(output.grad - expected) / np.linalg.norm(expected)
    np.testing.assert_allclose(difference, 0, atol=1e-4)
