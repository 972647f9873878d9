import numpy as np
import pytest

from circuitsnn.errors import InputError
from circuitsnn.oscillator.patterns import digits, overlap_matrix, random_patterns, with_fuzzy_pixels


def test_the_digits_are_60_pixels_each_and_white_in_the_reference_pixel():
    patterns = digits()
    assert patterns.shape == (6, 60)
    assert set(np.unique(patterns)) == {-1.0, 1.0}
    assert (patterns[:, 0] == 1).all()


def test_digit_one_reads_as_drawn():
    first_rows = digits()[1].reshape(10, 6)[:2]
    assert np.array_equal(first_rows, [[1, 1, -1, -1, -1, 1], [1, 1, 1, -1, -1, 1]])


def test_the_digits_have_as_many_black_pixels_as_white_ones():
    assert np.array_equal(np.count_nonzero(digits() == -1, axis=1), [30, 29, 31, 31, 31, 30])


def test_the_digits_hardly_overlap():
    overlaps = overlap_matrix(digits())
    assert np.array_equal(np.diag(overlaps), np.ones(6))
    assert np.abs(overlaps - np.eye(6)).max() == pytest.approx(4 / 60)


def test_overlaps_of_equal_opposite_and_orthogonal_patterns():
    patterns = [[1, 1, 1, 1], [-1, -1, -1, -1], [1, 1, -1, -1]]
    assert np.array_equal(overlap_matrix(patterns), [[1, -1, 0], [-1, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("size", [6, 7, 60])
def test_random_patterns_are_balanced_distinct_and_white_in_the_reference_pixel(size):
    patterns = random_patterns(8, size, np.random.default_rng(1))
    assert patterns.shape == (8, size)
    assert (np.abs(patterns.sum(axis=1)) == size % 2).all()
    assert (patterns[:, 0] == 1).all()
    assert len(np.unique(patterns, axis=0)) == 8


@pytest.mark.parametrize(("size", "available"), [(2, 1), (3, 3), (4, 3), (5, 10)])
def test_all_balanced_patterns_can_be_drawn_and_no_more(size, available):
    rng = np.random.default_rng(2)
    assert len(np.unique(random_patterns(available, size, rng), axis=0)) == available
    with pytest.raises(InputError, match=f"{size} pixels allow {available} balanced patterns"):
        random_patterns(available + 1, size, rng)


def test_fuzzy_pixels_change_as_many_pixels_as_asked_and_leave_the_image_alone():
    image = digits()[2]
    before = image.copy()
    fuzzy = with_fuzzy_pixels(image, 15, np.random.default_rng(3))
    assert np.array_equal(image, before)
    assert np.count_nonzero(fuzzy != image) == 15
    assert (np.abs(fuzzy) <= 1).all()


def test_every_pixel_can_become_fuzzy_and_greys_are_spread_evenly():
    rng = np.random.default_rng(4)
    greys = np.concatenate([with_fuzzy_pixels(np.ones(50), 50, rng) for _ in range(100)])
    counts, _ = np.histogram(greys, bins=10, range=(-1, 1))
    assert counts.sum() == 5000
    assert counts.min() > 400


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([1, -1, 1], "shape must be"),
        ([[1], [-1]], "shape must be"),
        ([[1, -1], [1, 0.5]], "pixel 1 of pattern 1 is 0.5"),
        ([[1, np.nan]], "pixel 1 of pattern 0 is nan"),
        ([[1, -1], [1]], "rows of equal length"),
        ([["white", "black"]], "array of numbers"),
    ],
)
def test_what_is_no_pattern_is_refused(patterns, message):
    with pytest.raises(InputError, match=message):
        overlap_matrix(patterns)


@pytest.mark.parametrize(
    ("image", "count", "message"),
    [
        ([1, 1, 1.5], 1, "pixel 2 is 1.5"),
        ([1, np.nan], 1, "pixel 1 is nan"),
        ([[[1, 1]]], 1, "shape must be"),
        ([1, 1], 3, "within 0 and 2, found 3"),
        ([1, 1], -1, "within 0 and 2, found -1"),
    ],
)
def test_what_is_no_image_or_no_count_is_refused(image, count, message):
    with pytest.raises(InputError, match=message):
        with_fuzzy_pixels(image, count, np.random.default_rng(5))
