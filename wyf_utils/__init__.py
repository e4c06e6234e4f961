"""WYF (What's Your Feeling?): from a typed Korean feeling to songs that fit."""

__version__ = "0.1.0"
