"""From a sound file to a mel spectrogram, an embedding and six probabilities."""
