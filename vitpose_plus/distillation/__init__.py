"""What distillation has beside its students (``models/distill.py``): teachers, files, hooks."""

from vitpose_plus.distillation.hooks import KnowledgeTokenHook, TokenMapHook
from vitpose_plus.distillation.teachers import CachedTeacher, RunningTeacher, Teacher

__all__ = ['CachedTeacher', 'KnowledgeTokenHook', 'RunningTeacher', 'Teacher', 'TokenMapHook']
