"""Songs: their database, fusion of lyric and sound, search and recommendation."""
