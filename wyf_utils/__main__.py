"""`python -m wyf_utils`: the same verbs as `wyf`."""

from .cli import main

if __name__ == "__main__":
    main()
