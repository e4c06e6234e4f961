"""WYF (What's Your Feeling?): from a typed Korean feeling to songs that fit."""

import os

__version__ = "0.1.0"

#: How OpenMP threads wait, unless the environment says otherwise. By default a waiting thread spins
#: for milliseconds, which slows training tenfold as soon as anything else runs on the same cores;
#: one that sleeps at once halves it when nothing does.
OPENMP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}


def set_openmp_waiting() -> None:
    """Set how OpenMP threads wait; call it before torch is imported, which reads it once."""
    for name, value in OPENMP.items():
        os.environ.setdefault(name, value)
