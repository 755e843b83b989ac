from vitpose_plus.checkpoints.guard import CheckpointGuardHook

__all__ = ['CheckpointGuardHook']
