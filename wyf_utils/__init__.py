"""WYF (What's Your Feeling?): from a typed Korean feeling to songs that fit."""

import os

# Read once, when torch loads its OpenMP. A thread that waits must sleep: spinning ones slow training tenfold as soon as
# anything else runs on the same cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
