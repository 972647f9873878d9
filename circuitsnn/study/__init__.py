"""Studies: parameters in; claims, figures and tables out, with the provenance of each run beside them."""

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
