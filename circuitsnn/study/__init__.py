"""Studies: parameters in; claims, figures and tables out, with the provenance of each run beside them."""

from typing import TYPE_CHECKING

from circuitsnn.lazy import lazy_names

if TYPE_CHECKING:
    from circuitsnn.errors import StudyError
    from circuitsnn.figures import new_figure
    from circuitsnn.study.claims import Claim
    from circuitsnn.study.context import StudyContext
    from circuitsnn.study.definition import Outcome, Study, StudyParameter
    from circuitsnn.study.registry import list_studies, load_study
    from circuitsnn.study.runner import StudyResult, run_study

__all__ = [
    "Claim",
    "Outcome",
    "Study",
    "StudyContext",
    "StudyError",
    "StudyParameter",
    "StudyResult",
    "list_studies",
    "load_study",
    "new_figure",
    "run_study",
]

_HOME = {
    "StudyError": "errors",
    "new_figure": "figures",
    "Claim": "study.claims",
    "StudyContext": "study.context",
    "Outcome": "study.definition",
    "Study": "study.definition",
    "StudyParameter": "study.definition",
    "list_studies": "study.registry",
    "load_study": "study.registry",
    "StudyResult": "study.runner",
    "run_study": "study.runner",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
