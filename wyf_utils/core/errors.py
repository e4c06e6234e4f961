"""Errors that a user can act on: each message is one sentence with the thing and the remedy."""


class WyfError(Exception):
    """Base of every error that the command line prints as one sentence.

    Parameters
    ----------
    message
        The sentence.
    ko
        The same in Korean, of an error that the page may show.
    """

    def __init__(self, message: str = "", ko: str = ""):
        super().__init__(message)
        self.ko = ko


class MissingData(WyfError):
    """A file or folder that should be there is not."""


class CorruptData(WyfError):
    """A file is there, but its content is not what it should be."""


class Unreachable(WyfError):
    """A remote file could not be fetched."""


class BadInput(WyfError):
    """What the user typed or passed cannot be used."""


class BadParameter(WyfError):
    """A run names a parameter that a notebook lacks, or gives it another type."""


class NoRoom(WyfError):
    """A file could not be written to its end; what was there before is still there."""
