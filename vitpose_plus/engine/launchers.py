"""The environment variables that the launchers of several processes set for each process."""

import os

from vitpose_plus.errors import UserError

# The variables of each launcher. All values are numbers, except the addresses.
ENVIRONMENT = dict(
    pytorch=('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'),
    mpi=(
        *('OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK'),
        'MASTER_ADDR',
    ),
)
ADDRESSES = ('MASTER_ADDR', 'SLURM_NODELIST')
STARTERS = dict(pytorch='torchrun', slurm='srun', mpi='mpirun')
RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def check(launcher: str) -> None:
    """Raises a ``UserError`` if a variable that the launcher sets is missing or wrong."""
    for name in ENVIRONMENT.get(launcher, ()):
        value = os.environ.get(name, '')
        if not (value.isdecimal() or (value and name in ADDRESSES)):
            raise UserError(
                f'--launcher {launcher} needs the environment variable {name}, which is '
                f'{value or "missing"}: start the processes by {STARTERS[launcher]} '
                '(docs/scale.md), or leave --launcher out.'
            )


def is_first_process(launcher: str) -> bool:
    """Whether this is the first process. Without a launcher there is only one process."""
    return os.environ.get(RANKS.get(launcher, ''), '0') == '0'
