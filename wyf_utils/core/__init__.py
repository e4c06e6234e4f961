"""Emotions, errors, folders, kept artefacts and arithmetic that every other room shares."""
