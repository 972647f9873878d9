"""Claims: what a paper says, what we find, and whether the two agree."""

from dataclasses import dataclass
from math import isfinite

from circuitsnn.errors import InputError
from circuitsnn.quantities import UNITS, show_quantity


@dataclass(frozen=True)
class Claim:
    """One statement that a study checks. The constructors below decide whether it holds; NaN never does.

    With ``from_paper=False`` the number to compare with is our own requirement or reference, so that `paper`
    is None and the number shows in `tolerance` only.
    """

    name: str
    """What is compared, in words: "Period of the oscillator"."""
    paper: float | str | None
    """The paper's number [`unit`], or its inequality in words; None where the paper has none."""
    ours: float | str
    """Our number [`unit`], or our answer in words."""
    tolerance: str
    """In words, what makes the claim hold: "within 1 % of 21.6 µs"."""
    holds: bool
    """Whether it does."""
    unit: str = "1"
    """SI unit, "%" or "°"; "1" for none."""
    remark: str = ""
    """Why the two differ, or what a reader must know."""

    @property
    def paper_text(self) -> str:
        """The paper's side, ready to print; a dash where the paper has none."""
        return "-" if self.paper is None else _shown(self.paper, self.unit)

    @property
    def ours_text(self) -> str:
        """Our side, ready to print."""
        return _shown(self.ours, self.unit)

    @classmethod
    def within(
        cls,
        name: str,
        paper: float,
        ours: float,
        *,
        relative: float | None = None,
        absolute: float | None = None,
        unit: str = "1",
        remark: str = "",
        from_paper: bool = True,
    ) -> "Claim":
        """State that our number is the paper's, within a tolerance.

        Parameters
        ----------
        name : str
            What is compared.
        paper, ours : float
            The two numbers. [`unit`]
        relative : float, optional
            Largest allowed difference, divided by the paper's number. [-]
        absolute : float, optional
            Largest allowed difference; exactly one of the two is given. [`unit`]
        unit, remark, from_paper
            As in the class.

        Returns
        -------
        Claim
            The claim.
        """
        if (relative is None) == (absolute is None):
            raise InputError(f"claim '{name}': give exactly one of relative and absolute.")
        allowed = absolute if relative is None else relative * abs(paper)
        margin = _shown(absolute, unit) if relative is None else f"{100 * relative:.4g} %"
        holds = abs(ours - paper) <= allowed
        return cls._of(name, paper, ours, f"within {margin} of {_shown(paper, unit)}", holds, unit, remark, from_paper)

    @classmethod
    def at_least(
        cls,
        name: str,
        bound: float,
        ours: float,
        *,
        unit: str = "1",
        remark: str = "",
        from_paper: bool = True,
    ) -> "Claim":
        """State that our number is `bound` or more.

        Parameters
        ----------
        name : str
            What is compared.
        bound, ours : float
            The two numbers. [`unit`]
        unit, remark, from_paper
            As in the class.

        Returns
        -------
        Claim
            The claim.
        """
        text = f"at least {_shown(bound, unit)}"
        return cls._of(name, text, ours, text, ours >= bound, unit, remark, from_paper)

    @classmethod
    def at_most(
        cls,
        name: str,
        bound: float,
        ours: float,
        *,
        unit: str = "1",
        remark: str = "",
        from_paper: bool = True,
    ) -> "Claim":
        """State that our number is `bound` or less.

        Parameters
        ----------
        name : str
            What is compared.
        bound, ours : float
            The two numbers. [`unit`]
        unit, remark, from_paper
            As in the class.

        Returns
        -------
        Claim
            The claim.
        """
        text = f"at most {_shown(bound, unit)}"
        return cls._of(name, text, ours, text, ours <= bound, unit, remark, from_paper)

    @classmethod
    def between(
        cls,
        name: str,
        low: float,
        high: float,
        ours: float,
        *,
        unit: str = "1",
        remark: str = "",
        from_paper: bool = True,
    ) -> "Claim":
        """State that our number lies from `low` to `high`, both allowed.

        Parameters
        ----------
        name : str
            What is compared.
        low, high, ours : float
            The bounds and our number. [`unit`]
        unit, remark, from_paper
            As in the class.

        Returns
        -------
        Claim
            The claim.
        """
        text = f"{_shown(low, unit)} to {_shown(high, unit)}"
        return cls._of(name, text, ours, text, low <= ours <= high, unit, remark, from_paper)

    @classmethod
    def equals(
        cls,
        name: str,
        paper: float | str,
        ours: float | str,
        *,
        unit: str = "1",
        remark: str = "",
        from_paper: bool = True,
    ) -> "Claim":
        """State that our number or answer is exactly the paper's.

        Parameters
        ----------
        name : str
            What is compared.
        paper, ours : float or str
            The two numbers [`unit`], or two texts.
        unit, remark, from_paper
            As in the class.

        Returns
        -------
        Claim
            The claim.
        """
        text = f"equal to {_shown(paper, unit)}"
        return cls._of(name, paper, ours, text, ours == paper, unit, remark, from_paper)

    @classmethod
    def _of(cls, name, paper, ours, tolerance, holds, unit, remark, from_paper) -> "Claim":
        # NumPy's numbers become Python's, which JSON can write; a number that is not finite never holds.
        ours = ours if isinstance(ours, str) else float(ours)
        paper = paper if isinstance(paper, str) else float(paper)
        holds = bool(holds) and (isinstance(ours, str) or isfinite(ours))
        return cls(name, paper if from_paper else None, ours, tolerance, holds, unit, remark)


def _shown(value: float | str, unit: str) -> str:
    """Print a number with four digits, with an SI prefix where its unit takes one."""
    if isinstance(value, str):
        return value
    if unit != "1" and unit in UNITS and isfinite(value):
        return show_quantity(float(value), unit, precision=3)
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"
