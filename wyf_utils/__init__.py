"""WYF (What's Your Feeling?): from a typed Korean feeling to songs that fit."""

import os

# Read once, when torch loads its OpenMP. By default a waiting thread spins for milliseconds, which slows training tenfold as
# soon as anything else runs on the same cores; one that sleeps at once halves it when nothing does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
