"""Run every comparison."""

from .. import set_openmp_waiting


def main() -> None:
    """Time all parts and print their medians and ratios."""
    set_openmp_waiting()
    from ..core.runtime import set_threads
    from . import catalogue, songs, sound, text

    threads = set_threads()
    print(f"{threads} threads for torch; medians; x is the ratio to the first row of each block")
    catalogue.clean()
    songs.search()
    text.embedding()
    text.classification()
    songs.recommendation()
    text.fine_tuning()
    text.pre_training()
    sound.composing()
    sound.hearing()
    sound.mel_batches()


if __name__ == "__main__":
    main()
