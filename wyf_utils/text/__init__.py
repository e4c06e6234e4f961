"""From a sentence or a lyric to six probabilities."""
