"""All words that the graph of a .pt2 file may have (``pt2_guard``).

They are those of the graphs that ``vitpose export`` writes.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The keys of the format whose value is an object with names of values as its keys.
NAMED = _words(
    'opset_version range_constraints tensor_values sym_bool_values sym_float_values sym_int_values'
)
# The keys of the format. Those of subgraphs, of objects and of operators as arguments are missing.
KEYS = _words("""
    arg as_bool as_bools as_device as_expr as_float as_floats as_int as_ints as_layout
    as_memory_format as_name as_none as_optional_tensor as_optional_tensors as_scalar_type
    as_string as_sym_bool as_sym_float as_sym_int as_sym_ints as_tensor as_tensors buffer
    buffer_name custom_obj_values device dtype expr_str forward_arg_names fqn graph graph_module
    guards_code hint in_spec index input_specs inputs is_hop_single_tensor_return
    is_single_tensor_return kind layout major max_val metadata min_val minor module_call_graph
    name nn_module_stack nodes opset_version out_spec output_specs outputs parameter
    parameter_name persistent range_constraints requires_grad schema_version signature sizes
    stack_trace storage_offset strides sym_bool_values sym_float_values sym_int_values target
    tensor_constant tensor_constant_name tensor_values torch_fn torch_version
    treespec_namedtuple_fields type user_input user_output verifiers
""")
# Texts that torch stores unchanged, and never evaluates.
UNUSED = _words('nn_module_stack stack_trace torch_fn')
# The texts that are arguments of operators, besides messages of assertions. Those with an arrow are
# of the relative positions of windowed attention.
STRINGS = _words("""
    constant floor none reflect replicate tanh trunc bmhwd,hkd->bmhwk bmhwd,wkd->bmhwk
""")
# The functions of symbolic expressions, which are sizes.
EXPRESSIONS = _words("""
    Add And Equality FloorDiv GreaterThan Integer LessThan Max Min Mod Mul Not Or PythonMod
    StrictGreaterThan StrictLessThan
""") | {'Unequality'}  # codespell:ignore
SYMBOL_FLAGS = _words('integer nonnegative positive')
TREES = _words('builtins.dict builtins.list builtins.tuple') | {None}  # None: a tensor
_ATEN = _words("""
    __and__.Tensor _assert_scalar.default _assert_tensor_metadata.default abs.default add.Tensor
    add_.Tensor alias.default amax.default arange.default arange.start argmax.default
    avg_pool2d.default baddbmm.default batch_norm.default cat.default clamp.default
    contiguous.default conv2d.default conv_transpose2d.input detach_.default div.Tensor
    einsum.default eq.Scalar eq.Tensor exp.default expand.default expand_as.default eye.default
    flatten.using_ints flip.default floor_divide.default gather.default ge.Scalar gelu.default
    gt.Scalar index.Tensor index_put.default layer_norm.default lift_fresh_copy.default
    linear.default log.default lt.Scalar mT.default max.dim max_pool2d.default movedim.int
    movedim.intlist mul.Tensor ne.Scalar new_zeros.default nonzero.default pad.default
    permute.default pow.Tensor_Scalar relu.default relu_.default remainder.Scalar repeat.default
    repeat_interleave.self_int roll.default rsub.Scalar scaled_dot_product_attention.default
    select.int sign.default silu.default slice.Tensor split.Tensor stack.default sub.Tensor
    sum.dim_IntList sym_size.int to.device to.dtype to.dtype_layout transpose.int unbind.int
    unflatten.int unfold.default unsqueeze.default upsample_bilinear2d.vec view.default
    where.ScalarOther where.self
""")
_SYMBOLIC = _words('add eq floordiv ge gt le lt mod mul ne sub')
OPERATORS = frozenset(
    {f'torch.ops.aten.{name}' for name in _ATEN}
    | {f'_operator.{name}' for name in _SYMBOLIC}
    | {'torch.sym_not'}
)
