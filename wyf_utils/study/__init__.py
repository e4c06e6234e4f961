"""Experiments, figures, the runner of the notebooks, and reports."""
