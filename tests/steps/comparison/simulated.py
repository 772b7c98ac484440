"""Test scores that are drawn, for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steps.comparison.scores import Slice, TestScores

SLUGS = ("ash", "birch", "cedar")


def simulated(rows: int = 600, seed: int = 0, *, skill: float = 2.0, shared: int = 7) -> TestScores:
    """Return scores of three models; the truth and half of the noise depend on ``shared`` only."""
    common, own = np.random.default_rng(shared), np.random.default_rng(seed)
    truth = common.choice(3, rows, p=[0.6, 0.3, 0.1])
    noise = common.normal(0, 1, (3, rows)) + own.normal(0, 0.5, (3, rows))
    logits = noise + skill * np.where(truth == np.arange(3)[:, np.newaxis], 1, -1)
    regions = (np.arange(rows) % 4).astype(np.int16)
    return TestScores(
        slugs=SLUGS,
        rows=np.arange(rows) * 5,
        truth=truth,
        scores=(1 / (1 + np.exp(-logits))).astype(np.float32),
        groups=np.arange(rows) * 5,
        thresholds=(0.5, 0.4, 0.3),
        calibrations=((1.0, 0.0), (0.9, 0.1), (1.2, -0.1)),
        data_sha256="d" * 64,
        seed=3,
        slices={"Region": Slice(("north", "east", "south", "west"), regions)},
    )


def worsened(scores: TestScores, share: float, seed: int = 1) -> TestScores:
    """Return scores in which the models of some rows are exchanged."""
    chosen = np.random.default_rng(seed).random(len(scores.rows)) < share
    changed = np.where(chosen, np.roll(scores.scores, 1, axis=0), scores.scores)
    return replace(scores, scores=changed)
