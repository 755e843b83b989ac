"""The precisions in which a network computes."""

import torch

from vitpose_plus.compat import processor_instructions
from vitpose_plus.errors import UserError

AUTO = 'auto'
PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def precision_of(name: str, device: torch.device) -> str:
    """Returns a key of ``PRECISIONS``; ``auto`` is bf16 where the device computes it natively.

    Raises:
        UserError: The precision does not exist, or the device is too slow in it.
    """
    if name == AUTO:
        return 'bf16' if computes_bf16(device) else 'fp32'
    if name not in PRECISIONS:
        raise UserError(f'There is no precision {name}: give {AUTO}, {", ".join(PRECISIONS)}.')
    if name == 'fp16' and device.type == 'cpu':
        raise UserError(
            'The precision fp16 is for GPUs; processors compute it slowly: give bf16 or fp32.'
        )
    return name


def computes_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bf16, so that bf16 is faster than fp32.

    These are AMX or AVX512_BF16 of a processor. A GPU has them from NVIDIA's Ampere on.
    """
    if device.type == 'cpu':
        able = processor_instructions()
        return bool(able.get('amx_bf16') or able.get('avx512_bf16'))
    if device.type == 'cuda':
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return False


def note_on(name: str, precision: str) -> str | None:
    """The sentence about the precision that ``auto`` has chosen; None if there is no need for it.

    Args:
        name: The precision that was asked for.
        precision: The precision that was chosen.
    """
    if name != AUTO or PRECISIONS[precision] is torch.float32:
        return None
    return (
        f'The network computes in {precision}, for which this device has instructions; '
        '--precision fp32 takes longer, and its results hardly depend on the device.'
    )
