"""Child processes for tests: commands, and several processes that train together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

# The folder of sitecustomize.py, and of the probes, which configs import.
HELPERS = str(Path(__file__).parent)


def environment(**extra: str) -> dict[str, str]:
    """Returns the environment of a child process, with one thread."""
    return {**os.environ, 'OMP_NUM_THREADS': '1', **extra}


def run(*command, **kwargs) -> str:
    """Runs a command and returns its output; if it fails, the error has the end of the output."""
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
    """Runs Python with arguments in ``processes`` processes per node; all nodes are local."""
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
    """Returns a free port that no other test process uses, below the system's automatic ports.

    An automatic port could be given to another process before the launcher uses it.
    """
    first = 20_000 + os.getpid() % 120 * 100  # a hundred ports for each parallel test process
    for port in range(first, first + 100):
        with socket.socket() as listener:
            try:
                listener.bind(('localhost', port))
            except OSError:
                continue
            return port
    raise OSError(f'none of the ports from {first} on is free')
