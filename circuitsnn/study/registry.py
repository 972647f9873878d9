"""Finding and loading study files."""

import difflib
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from circuitsnn.errors import InputError
from circuitsnn.resources import resource_folder
from circuitsnn.study.definition import Study

# No dot in the name: pickle, which carries work to worker processes, would ask for a parent package.
_MODULE_PREFIX = "circuitsnn_study_"


def list_studies() -> list[str]:
    """Names of the studies that come with the package.

    Returns
    -------
    list of str
        Names for `load_study`, in alphabetical order.
    """
    files = resource_folder("studies").glob("*.py")
    return sorted(path.stem for path in files if not path.stem.startswith("_"))


def load_study(name_or_path: str | os.PathLike) -> Study:
    """Load a study, by name from the package or by path from the user's own file.

    Parameters
    ----------
    name_or_path : str or path-like
        Name of a study of the package, or the path of a Python file that defines ``STUDY``.

    Returns
    -------
    Study
        The study.

    Raises
    ------
    InputError
        If there is no such study, or its file cannot be loaded.
    """
    path = _find(name_or_path)
    try:
        module = load_module(_MODULE_PREFIX + path.stem, path)
    except Exception as error:
        raise InputError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study) or study.name != path.stem:
        raise InputError(f"{path}: it must define STUDY, a circuitsnn.study.Study named {path.stem!r}")
    return study


def worker_module(study: Study) -> tuple[str, str] | None:
    """Name and path of the study's module if a worker process cannot import it by itself.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of str or None
        Arguments for `load_module` in the worker.
    """
    name = study.run.__module__
    return (name, sys.modules[name].__file__) if name.startswith(_MODULE_PREFIX) else None


def load_module(name: str, path: str | os.PathLike) -> ModuleType:
    """Run a Python file as a module and register it, unless that was done before.

    Parameters
    ----------
    name : str
        Name to register.
    path : path-like
        The file.

    Returns
    -------
    module
        The module.
    """
    path = str(Path(path).resolve())
    known = sys.modules.get(name)
    if known is not None and known.__file__ == path:
        return known
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    # Before it runs, as an import does: dataclasses look their module up while they are made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _find(name_or_path: str | os.PathLike) -> Path:
    text = os.fspath(name_or_path)
    if text.endswith(".py"):
        if not Path(text).is_file():
            raise InputError(f"there is no study file {text}; allowed: {', '.join(list_studies())}, or a path")
        return Path(text)
    names = list_studies()
    if text not in names:
        near = difflib.get_close_matches(text, names, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise InputError(f"there is no study {text!r}; {hint}allowed: {', '.join(names)}, or the path of a Python file")
    return resource_folder("studies") / f"{text}.py"
