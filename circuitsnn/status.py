"""How a computation ended: a status that says what to do where the result is not what one asks for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """How a transient, a fit or a calibration ended, with advice where it is not what one asks for."""

    name: str
    """"settled", "not settled", "stopped switching", "not finite", "no progress" or "not accurate"."""
    advice: str = ""
    """What to do about it; empty when settled."""

    @property
    def ok(self) -> bool:
        """Whether the result can be used."""
        return self.name == "settled"

    def __str__(self) -> str:
        return f"{self.name}: {self.advice}" if self.advice else self.name
