"""Who is slower: against SciPy's tests, counts by hand, and simulated tables without a winner."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.significance import TABLES, false_positives, power
from optbench.analysis.significance import LEVEL, fewest_blocks, holm, slower, wins

NEVER = math.inf


def one_target(*rows):
    return np.array(rows, dtype=float)[:, :, None]


def test_p_of_two_is_that_of_the_sign_test():
    """SciPy's binomial test of 9 wins in 11 blocks with one tie; 12 wins of 12."""
    fast = [10.0] * 12
    slow = [9.0] * 2 + [10.0] + [11.0] * 9
    expected = stats.binomtest(9, 11).pvalue
    first, second = slower(one_target(fast, slow))
    assert (first.than, first.p) == ((), 1.0)
    assert second.p == pytest.approx(expected, rel=1e-12) and second.than == ()
    _, second = slower(one_target(fast, [11.0] * 12))
    assert second.than == (0,) and second.p == pytest.approx(2.0**-11, rel=1e-12)


def test_all_pairs_are_corrected():
    """Three rows, 12 blocks, by hand: p = 2 / 2^12 for each of three pairs, so thrice that."""
    told = slower(one_target([1.0] * 12, [2.0] * 12, [3.0] * 12))
    assert [each.than for each in told] == [(), (0,), (0, 1)]
    assert [each.p for each in told[1:]] == pytest.approx([3 * 2.0**-11] * 2, rel=1e-12)


def test_holm_against_the_definition():
    """Reject the i-th smallest when all up to it are at most level / (m - i); by trying levels."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = rng.uniform(size=7) ** 3
        adjusted = holm(p)
        for level in rng.uniform(size=20):
            rejected = set()
            for i, place in enumerate(np.argsort(p)):
                if p[place] > level / (p.size - i):
                    break
                rejected.add(int(place))
            assert rejected == set(np.flatnonzero(adjusted <= level))


def test_a_tighter_target_wins_and_what_was_never_reached_loses():
    """Targets from loose to tight, one block each; nan: it did not run there."""
    first = [[5, 50], [5, NEVER], [5, NEVER], [NEVER, NEVER], [5, 50], [5, 50]]
    second = [[1, NEVER], [6, NEVER], [5, NEVER], [NEVER, NEVER], [math.nan] * 2, [9, 49]]
    counts = wins(np.array([first, second], dtype=float))
    assert counts.tolist() == [[0, 2], [1, 0]]


@pytest.mark.parametrize("optimizers", [2, 3, 8, 14, 30])
def test_the_fewest_blocks_are_just_enough(optimizers):
    """One that wins all blocks against everyone, the others equal: significant from there on."""
    enough = fewest_blocks(optimizers)
    for blocks in (enough - 1, enough):
        steps = one_target(*([[1.0] * blocks] + [[2.0] * blocks] * (optimizers - 1)))
        marked = sum(bool(each.than) for each in slower(steps))
        assert marked == (optimizers - 1 if blocks == enough else 0)
    assert fewest_blocks(2) == 6


def test_one_row_or_none_is_slower_than_nobody():
    assert slower(np.ones((1, 5, 2)))[0].than == () and slower(np.ones((0, 5, 2))) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda each: each.name)
def test_a_table_without_a_winner_is_marked_in_at_most_5_per_cent(table):
    """The fastest is picked from the same data.  600 tables; by chance once in 1,000 times."""
    found = false_positives(table, tables=600)
    assert stats.binomtest(found, 600, LEVEL, alternative="greater").pvalue > 1e-3


def test_a_real_effect_is_found():
    """Twice as fast with a spread of a factor 1.35: P(win) = Phi(ln 2 / (0.3 sqrt 2)) = 0.949.

    With two optimizers and 20 seeds it takes 15 wins: P(at least 15 of 20) from SciPy.
    """
    win = stats.norm.cdf(math.log(2.0) / (0.3 * math.sqrt(2.0)))
    expected = stats.binom.sf(14, 20, win)
    found = power(optimizers=2, blocks=20, factor=2.0, tables=300)
    assert stats.binomtest(round(found * 300), 300, expected).pvalue > 1e-3
