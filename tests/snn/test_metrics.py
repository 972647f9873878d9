"""Scores of classifications against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, confusion_matrix

from circuitsnn.errors import InputError
from circuitsnn.snn.metrics import score


def test_by_hand():
    found = score([0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1])
    assert found.confusion.tolist() == [[2, 1], [1, 2]]
    assert found.overall_accuracy == pytest.approx(4 / 6)
    assert found.kappa == pytest.approx((4 / 6 - 1 / 2) / (1 / 2))


def test_as_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    predictions = np.where(rng.random(400) < 0.7, labels, rng.integers(0, 5, 400))
    found = score(predictions, labels)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(labels, predictions))
    assert found.kappa == pytest.approx(cohen_kappa_score(labels, predictions))
    assert found.average_accuracy == pytest.approx(balanced_accuracy_score(labels, predictions))


def test_classes_that_are_absent_do_not_count():
    found = score([0, 1, 2, 0], [0, 1, 1, 0], classes=4)
    assert found.confusion.shape == (4, 4)
    assert found.average_accuracy == pytest.approx((1 + 0.5) / 2)
    assert np.isnan(found.recalls[[2, 3]]).all()


def test_one_class_has_no_kappa():
    found = score([0, 0], [0, 0])
    assert found.overall_accuracy == 1.0
    assert np.isnan(found.kappa)


def test_table():
    frame = score([0, 1, 1], [0, 0, 1]).to_frame(("tree", "water"))
    assert frame.loc["tree"].tolist() == [1, 1, 0.5]
    assert frame.attrs["overall_accuracy"] == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="class_names holds 1 names; allowed are 2"):
        score([0, 1], [0, 1]).to_frame(("tree",))


@pytest.mark.parametrize(
    ("predictions", "labels", "classes", "message"),
    [
        ([0, 1], [0], None, "2 predictions and 1 labels"),
        ([0.5, 1], [0, 1], None, "predictions have shape"),
        ([0, -1], [0, 1], None, "predictions have shape"),
        ([], [], None, "predictions have shape"),
        ([0, 3], [0, 1], 3, "classes is 3"),
    ],
)
def test_wrong_arguments(predictions, labels, classes, message):
    with pytest.raises(InputError, match=message):
        score(predictions, labels, classes)
