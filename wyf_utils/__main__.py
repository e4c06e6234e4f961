"""Run `python -m wyf_utils`, which has the commands of `wyf`."""

from .cli import main

if __name__ == "__main__":
    main()
