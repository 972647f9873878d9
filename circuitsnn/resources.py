"""Where the device cards, the netlists and the studies lie."""

from pathlib import Path
from typing import Literal

from circuitsnn.errors import InputError

_PACKAGE = Path(__file__).parent


def resource_folder(name: Literal["devices", "netlists", "studies"]) -> Path:
    """Folder of the data that come with the package.

    A wheel carries the folder inside the package; in a source checkout or an editable install it lies at the
    root of the repository, beside the package.

    Parameters
    ----------
    name : str
        Which folder.

    Returns
    -------
    Path
        The folder, which exists.

    Raises
    ------
    InputError
        If neither place holds it, which means that the installation is incomplete.
    """
    candidates = [_PACKAGE / name]
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        candidates.append(_PACKAGE.parent / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    places = " or ".join(str(folder) for folder in candidates)
    raise InputError(f"the folder '{name}' of circuitsnn is missing (looked for {places}); reinstall it")
