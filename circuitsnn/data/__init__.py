"""Data sets: bundled with other packages, read from a folder, or fetched."""

from circuitsnn.data.catalogue import names
from circuitsnn.data.folders import Holding, holdings
from circuitsnn.data.loading import load
from circuitsnn.data.patches import PixelPatches, pixel_patches
from circuitsnn.data.sets import ImageSet, Scene

__all__ = ["Holding", "ImageSet", "PixelPatches", "Scene", "holdings", "load", "names", "pixel_patches"]
