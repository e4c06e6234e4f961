"""Foundations of every other room: emotions, errors, folders, cache, metrics, vector arithmetic."""
