"""Corpora, songs, cleaning rules and splits: files in, tables out."""
