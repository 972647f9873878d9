"""What the files of trained networks are called, for those who write them and those who look for them. No PyTorch."""

from circuitsnn.data.patches import Split

__all__ = ["file_stem"]


def file_stem(recipe: str, split: Split = "random", data: str | None = None) -> str:
    """Name the files of a recipe, without their stages.

    Parameters
    ----------
    recipe : str
        Name of the recipe: "samson-cnn3d".
    split : {"random", "block"}
        Split of a scene's pixels.
    data : str, optional
        Another data set, whose name takes the place of the recipe's own.

    Returns
    -------
    str
        The name: "pavia-cnn3d-block".
    """
    stem = recipe if data is None else f"{data}-{recipe.rpartition('-')[2]}"
    return stem if split == "random" else f"{stem}-{split}"
