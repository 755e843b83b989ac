"""Distillation (ViTPose, section 3.4): students, teachers, the knowledge token, cached heatmaps."""

from vitpose_plus.distillation.hooks import KnowledgeTokenHook, TokenMapHook
from vitpose_plus.distillation.students import DistilledMultiDatasetTopdown, DistilledTopdown
from vitpose_plus.distillation.teachers import CachedTeacher, RunningTeacher, Teacher
from vitpose_plus.distillation.token import (
    KnowledgeToken,
    MappedKnowledgeToken,
    TokenMultiDatasetTopdown,
    TokenTopdown,
)

__all__ = [
    'CachedTeacher',
    'DistilledMultiDatasetTopdown',
    'DistilledTopdown',
    'KnowledgeToken',
    'KnowledgeTokenHook',
    'MappedKnowledgeToken',
    'RunningTeacher',
    'Teacher',
    'TokenMapHook',
    'TokenMultiDatasetTopdown',
    'TokenTopdown',
]
