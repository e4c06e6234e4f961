"""Errors that a user can act on: one sentence that names the cause and the remedy."""


class WyfError(Exception):
    """Base of every error that the command line prints without a traceback.

    Parameters
    ----------
    message
        The sentence in English.
    ko
        The sentence in Korean, for errors that the page shows.
    """

    def __init__(self, message: str = "", ko: str = ""):
        super().__init__(message)
        self.ko = ko


class MissingData(WyfError):
    """A required file or folder does not exist."""


class CorruptData(WyfError):
    """A file has content of the wrong form."""


class Unreachable(WyfError):
    """A remote file could not be fetched."""


class BadInput(WyfError):
    """An argument or a typed sentence cannot be used."""


class BadParameter(WyfError):
    """A run names a parameter that a notebook lacks, or gives it another type."""


class DiskFull(WyfError):
    """A file could not be written completely; its earlier version is unchanged."""
