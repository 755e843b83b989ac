"""The report at the end of a training: the errors of each keypoint, and the worst pictures."""

from vitpose_plus.reports.hook import ReportHook, write_report

__all__ = ['ReportHook', 'write_report']
