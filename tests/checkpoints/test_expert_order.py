"""A checkpoint keeps the order of its experts, also after other tools have written it again."""

from collections import OrderedDict

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.runner.checkpoint import get_state_dict, load_checkpoint, load_state_dict
from safetensors.torch import save_file

from tests.checkpoints.test_layouts import plain, plus, same
from vitpose_plus.checkpoints import check_fit, convert, reading
from vitpose_plus.checkpoints.converting import keep_dataset
from vitpose_plus.checkpoints.layouts.heads import NAMES, dataset_heads
from vitpose_plus.distillation.token_file import fingerprint
from vitpose_plus.models.dataset_names import from_tensor

NAMES_OF_THREE, KEYPOINTS = ['coco', 'aic', 'mpii'], [17, 17, 17]
ORDER = 'in the order aic, coco, mpii, .* are coco, aic, mpii: experts would be swapped'


def three(names=NAMES_OF_THREE):
    """Every dataset has 17 keypoints, so the shapes do not show a swap."""
    return plus(names, KEYPOINTS)


@pytest.fixture
def model():
    return three()


@pytest.fixture
def state(model):
    return model.state_dict()


@pytest.fixture
def swapped():
    """Weights of a model whose first two datasets, and so its experts, are swapped."""
    return three(['aic', 'coco', 'mpii']).state_dict()


def old(state):
    """The weights as earlier versions saved them, without the names of the datasets."""
    return OrderedDict((key, value) for key, value in state.items() if key != NAMES)


def reordered(state, names):
    """The keys of the heads in another order, each with its value."""
    rest = {key: value for key, value in state.items() if '.heads.' not in key}
    heads = [[key for key in state if f'.heads.{name}.' in key] for name in names]
    return {**rest, **{key: state[key] for keys in heads for key in keys}}


def loaded(state):
    """The weights of a new model that has loaded them; torch and mmengine load the same."""
    one, other = three(), three()
    one.load_state_dict(state)
    load_state_dict(other, state, strict=True)
    same(one.state_dict(), other.state_dict())
    return one.state_dict()


def test_names_are_in_the_state_dict_but_in_no_buffer(model, state):
    assert from_tensor(state[NAMES]) == NAMES_OF_THREE
    assert list(state)[-1] == NAMES
    held = {name for name, _ in (*model.named_buffers(), *model.named_parameters())}
    assert held == set(state) - {NAMES}
    assert NAMES not in plain().state_dict()


def test_loading_changes_no_dict_of_the_caller(model, state):
    for load in (model.load_state_dict, model.head.load_state_dict, check_fit):
        given = model.head.state_dict() if load == model.head.load_state_dict else dict(state)
        before = dict(given)
        load(given, *([model] if load == check_fit else []))
        assert list(given) == list(before)


def test_weights_are_loaded_from_safetensors(state, tmp_path, recwarn):
    save_file(state, tmp_path / 'six.safetensors')
    given = reading.read(tmp_path / 'six.safetensors')
    assert dataset_heads(given) == ['aic', 'coco', 'mpii']
    check_fit(given, three())
    same(loaded(given), state)
    assert not [w for w in recwarn if 'sorted' in str(w.message)]


def test_weights_are_loaded_by_mmengine(model, state, tmp_path):
    torch.save(dict(state_dict=get_state_dict(model)), tmp_path / 'six.pth')
    new = three()
    load_checkpoint(new, str(tmp_path / 'six.pth'), strict=True)
    same(get_state_dict(new), state)


def test_weights_are_loaded_into_a_model_on_the_meta_device(state):
    with torch.device('meta'):
        empty = three()
    check_fit(state, empty)
    empty.load_state_dict(state, assign=True)
    same(empty.state_dict(), state)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_file_in_half_precision_keeps_its_order(state, swapped, dtype):
    half = {key: value.to(dtype) for key, value in state.items()}
    for key, value in loaded(half).items():
        torch.testing.assert_close(value.float(), state[key].float(), rtol=0.01, atol=1e-6)
    with pytest.raises(ValueError, match=ORDER):
        loaded({key: value.to(dtype) for key, value in swapped.items()})


def test_keys_in_the_config_s_order_do_not_hide_swapped_experts(swapped):
    given = reordered(swapped, NAMES_OF_THREE)
    assert dataset_heads(given) == NAMES_OF_THREE
    with pytest.raises(ValueError, match=ORDER):
        loaded(given)
    with torch.device('meta'):
        empty = three()
    with pytest.raises(ValueError, match=ORDER):
        check_fit(given, empty)
    with pytest.raises(ValueError, match=ORDER):
        three().load_state_dict({k: v for k, v in given.items() if '.heads.' not in k}, False)


def test_heads_that_were_renamed_without_their_names_are_refused(state):
    given = {key.replace('heads.mpii', 'heads.zebra'): value for key, value in state.items()}
    message = 'in the order coco, aic, mpii, .* are coco, aic, zebra'
    with pytest.raises(ValueError, match=message):
        three(['coco', 'aic', 'zebra']).load_state_dict(given)
    with pytest.raises(ValueError, match=r'head for zebra, which is not among its head\.datas'):
        convert(given, target='official')


def test_without_names_the_order_of_the_keys_counts(state, swapped, recwarn):
    same(loaded(old(state)), state)
    with pytest.raises(ValueError, match=ORDER):
        loaded(old(swapped))
    assert not [w for w in recwarn if 'sorted' in str(w.message)]


def by_safetensors(state):
    return dict(sorted(state.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))


@pytest.mark.parametrize('sort', [by_safetensors, lambda state: dict(sorted(state.items()))])
def test_without_names_sorted_keys_do_not_show_the_order(sort, state, swapped, recwarn):
    with pytest.warns(UserWarning, match=r'keys are sorted .* the config is used \(coco, aic'):
        same(loaded(sort(old(state))), state)
    recwarn.clear()
    three(['aic', 'coco', 'mpii']).load_state_dict(sort(old(swapped)))  # these names are sorted
    assert not len(recwarn)


def test_a_model_of_one_head_has_all_experts():
    """As in files of Hugging Face: one head and six experts."""
    state = three().state_dict()
    one = {k: v for k, v in state.items() if '.heads.' not in k or '.coco.' in k}
    with_experts = plus(['coco'], [17], num_experts=3)
    with_experts.load_state_dict(one)
    same({**with_experts.state_dict(), NAMES: state[NAMES]}, one)
    other = {k: v for k, v in state.items() if '.heads.' not in k or '.aic.' in k}
    with pytest.raises(ValueError, match="in the order coco, aic, mpii, the config's are aic:"):
        plus(['aic'], [17], num_experts=3).load_state_dict(other)


def test_names_fit_several_datasets_only(model, state):
    check_fit(old(state), model)
    check_fit(model.head.state_dict(), model.head)
    with pytest.raises(ValueError, match=r"head\.dataset_names', which the model does not have"):
        check_fit({**plain().state_dict(), NAMES: state[NAMES]}, plain())


def test_the_fingerprint_does_not_depend_on_the_names(state):
    assert fingerprint(state) == fingerprint(old(state))


def test_averages_of_models_keep_the_names(model):
    for update_buffers in (False, True):
        average = ExponentialMovingAverage(model, update_buffers=update_buffers)
        for _ in range(3):
            average.update_parameters(model)
        assert from_tensor(average.module.state_dict()[NAMES]) == NAMES_OF_THREE


def test_a_converted_file_has_the_names(model, state):
    converted = convert(old(state)).state_dict
    same(converted, state)
    half = convert({key: value.half() for key, value in state.items()}).state_dict
    assert torch.equal(half[NAMES], state[NAMES])
    same(convert(by_safetensors(state)).state_dict, state)


def test_sorted_keys_are_converted_only_with_a_config(model, state):
    given = by_safetensors(old(state))
    with pytest.raises(ValueError, match=r'order of its datasets .* trained with \(--config\)'):
        convert(given)
    with pytest.warns(UserWarning, match='experts are swapped'):
        same(convert(given, model=model).state_dict, state)
    with pytest.raises(ValueError, match=r'order of its datasets .* trained with \(--config\)'):
        keep_dataset(given, 'coco')


@pytest.mark.parametrize(
    'sort', [by_safetensors, lambda state: reordered(state, ['mpii', 'aic', 'coco'])]
)
def test_every_layout_has_the_experts_in_the_order_of_the_names(sort, state):
    same(
        convert(sort(state), target='official').state_dict,
        convert(state, target='official').state_dict,
    )
    for name in NAMES_OF_THREE:
        same(keep_dataset(sort(state), name), keep_dataset(state, name))


def test_too_few_experts_are_named(state):
    few = {key: value[:2] if '.experts.' in key else value for key, value in state.items()}
    with pytest.raises(ValueError, match=r'It has 2 experts \(.*\) for 3 datasets: it is not co'):
        keep_dataset(few, 'mpii')
