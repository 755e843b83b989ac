from vitpose_plus.checkpoints.guard import CheckpointGuardHook, check_file, check_fit

__all__ = ['CheckpointGuardHook', 'check_file', 'check_fit']
