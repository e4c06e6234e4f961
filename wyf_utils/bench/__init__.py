"""Time the project's parts side by side in one run (`make bench`)."""

from .catalogue import write_catalogue

__all__ = ["write_catalogue"]
