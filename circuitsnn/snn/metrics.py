"""How good a classification is: overall and average accuracy, Cohen's kappa, the confusion matrix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Scores", "score"]


@dataclass(frozen=True, eq=False)
class Scores:
    """Figures of merit of a classification."""

    confusion: np.ndarray
    """Samples by true class (rows) and predicted class (columns), shape (classes, classes)."""

    @property
    def overall_accuracy(self) -> float:
        """OA: share of the samples that are right. [1]."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def recalls(self) -> np.ndarray:
        """Share of each class's samples that are right, shape (classes,); NaN for a class without samples. [1]."""
        counts = self.confusion.sum(axis=1)
        return np.divide(np.diag(self.confusion), counts, out=np.full(len(counts), np.nan), where=counts > 0)

    @property
    def average_accuracy(self) -> float:
        """AA: mean of the recalls, over the classes that have samples. [1]."""
        return float(np.nanmean(self.recalls))

    @property
    def kappa(self) -> float:
        """Cohen's kappa: (OA - p_e) / (1 - p_e) with p_e the agreement by chance; NaN where p_e is 1. [1].

        Source: J. Cohen (1960), doi:10.1177/001316446002000104.
        """
        total = self.confusion.sum()
        chance = float(self.confusion.sum(axis=0) @ self.confusion.sum(axis=1)) / float(total) ** 2
        return (self.overall_accuracy - chance) / (1.0 - chance) if chance < 1.0 else float("nan")

    def to_frame(self, class_names: tuple[str, ...] | None = None) -> "DataFrame":
        """Give the confusion matrix as a table.

        Parameters
        ----------
        class_names : tuple of str, optional
            Names of the classes; their numbers without it.

        Returns
        -------
        pandas.DataFrame
            A row for each true class, a column for each predicted one, and the column `recall`. ``attrs`` holds the
            overall accuracy, the average accuracy and kappa.

        Raises
        ------
        InputError
            If there are not as many names as classes.
        """
        import pandas as pd

        names = list(range(len(self.confusion)) if class_names is None else class_names)
        if len(names) != len(self.confusion):
            raise InputError(f"class_names holds {len(names)} names; allowed are {len(self.confusion)}")
        frame = pd.DataFrame(self.confusion, index=pd.Index(names, name="class"), columns=names)
        frame["recall"] = self.recalls
        frame.attrs.update(
            overall_accuracy=self.overall_accuracy, average_accuracy=self.average_accuracy, kappa=self.kappa
        )
        return frame


def score(predictions: ArrayLike, labels: ArrayLike, classes: int | None = None) -> Scores:
    """Compare predicted with true classes.

    Parameters
    ----------
    predictions, labels : array_like of int, shape (n,)
        Predicted and true class of each sample.
    classes : int, optional
        Number of classes; without it, the largest class that occurs, plus one.

    Returns
    -------
    Scores
        The figures of merit.

    Raises
    ------
    InputError
        If the two are not whole numbers of the same number, or reach beyond the classes.
    """
    found = []
    for name, given in (("predictions", predictions), ("labels", labels)):
        values = np.asarray(given)
        if values.ndim != 1 or not len(values) or values.dtype.kind not in "iu" or values.min() < 0:
            raise InputError(f"{name} have shape {values.shape}; allowed are classes, whole numbers >= 0, shape (n,)")
        found.append(values.astype(np.int64))
    if len(found[0]) != len(found[1]):
        raise InputError(f"there are {len(found[0])} predictions and {len(found[1])} labels; allowed are as many")
    largest = max(int(values.max()) for values in found)
    classes = largest + 1 if classes is None else whole_number("classes", classes, largest + 1)
    confusion = np.bincount(found[1] * classes + found[0], minlength=classes**2).reshape(classes, classes)
    return Scores(confusion)
