"""Audio file to waveform, waveform to mel spectrogram, mel to embedding and emotion vector."""
