"""Measure the detector of people at risk on writers that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..core import intervals
from ..text.safety import RISK, RiskDetector


def judge(detector: RiskDetector, care: pd.DataFrame) -> pd.DataFrame:
    """Judge sentences of `care.csv`.

    Returns
    -------
    DataFrame
        `care` with the columns found (any level) and risk.
    """
    levels = detector.levels(care["text"].tolist())
    return care.assign(
        found=[bool(level) for level in levels],
        risk=[level == RISK for level in levels],
    )


def by_kind(judged: pd.DataFrame) -> pd.DataFrame:
    """Count a table of `judge` by kind: sentences, share found, share answered as risk."""
    table = judged.groupby(["at_risk", "kind"])[["found", "risk"]].mean()
    table.insert(0, "sentences", judged.groupby(["at_risk", "kind"]).size())
    return table.sort_index(ascending=False)


def results(
    judged: pd.DataFrame, detector: RiskDetector, ordinary: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Compute recall and false alarms with intervals over sentences.

    Parameters
    ----------
    ordinary
        Sentences of writers that the detector has not learned from.

    Returns
    -------
    dict
        recall/care, recall/care_direct and recall/care_as_risk of people at risk;
        false_alarm/care_harmless of look-alikes; false_alarm/ordinary and
        false_alarm/ordinary_as_risk of ordinary sentences.
    """
    at_risk, direct = judged["at_risk"], judged["kind"] == "direct"
    levels = detector.levels(ordinary)
    rows = {
        "recall/care": judged.loc[at_risk, "found"],
        "recall/care_direct": judged.loc[direct, "found"],
        "recall/care_as_risk": judged.loc[at_risk, "risk"],
        "false_alarm/care_harmless": judged.loc[~at_risk, "found"],
        "false_alarm/ordinary": [bool(level) for level in levels],
        "false_alarm/ordinary_as_risk": [level == RISK for level in levels],
    }
    return {name: intervals.share(values) for name, values in rows.items()}
