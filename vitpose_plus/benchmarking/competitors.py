"""All competitors."""

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.dense import DenseMixture
from vitpose_plus.benchmarking.hugging_face import (
    CompiledHuggingFaceExperts,
    CompiledHuggingFacePlain,
    HuggingFaceExperts,
    HuggingFacePlain,
)
from vitpose_plus.benchmarking.mmpose_ways import InferenceTopdown, MmposeDecoding

# The engine with which a competitor is measured -> competitors.
COMPETITORS: dict[str, tuple[type[Contender], ...]] = dict(
    torch=(
        HuggingFaceExperts,
        HuggingFacePlain,
        DenseMixture,
        InferenceTopdown,
        MmposeDecoding,
    ),
    compile=(CompiledHuggingFaceExperts, CompiledHuggingFacePlain),
)
