"""Child processes of tests: commands, and several processes that train together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

# Where the probes lie, which configs import, and what every child process runs first.
HELPERS = str(Path(__file__).parent)


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child process: one thread, no user site."""
    return {**os.environ, 'OMP_NUM_THREADS': '1', **extra}


def run(*command, **kwargs) -> str:
    """What a command prints; if it fails, the end of that is the error."""
    child = subprocess.run(
        [str(word) for word in command],
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **kwargs,
    )
    assert child.returncode == 0, child.stdout[-3000:]
    return child.stdout


def launch(processes, python, nodes=1):
    """Runs Python with these arguments in ``processes`` on each of ``nodes``, all of them here."""
    where = ['--master-addr=localhost', f'--master-port={free_port()}', f'--nnodes={nodes}']
    launcher = [sys.executable, '-m', 'torch.distributed.run', f'--nproc-per-node={processes}']
    path = os.pathsep.join([HELPERS, *sys.path])
    children = [
        subprocess.Popen(
            [*launcher, *where, f'--node-rank={node}', '--no-python', sys.executable, *python],
            env=environment(PYTHONPATH=path, CUDA_VISIBLE_DEVICES=''),
        )
        for node in range(nodes)
    ]
    try:
        assert [child.wait(timeout=300) for child in children] == [0] * nodes
    finally:
        for child in children:
            child.terminate()


def free_port() -> int:
    """A port that no other process of tests takes, below those that the system hands out.

    One that the system picked could be picked again before the launcher listens on it.
    """
    first = 20_000 + os.getpid() % 120 * 100  # a hundred for each of those that run side by side
    for port in range(first, first + 100):
        with socket.socket() as listener:
            try:
                listener.bind(('localhost', port))
            except OSError:
                continue
            return port
    raise OSError(f'none of the ports from {first} on is free')
