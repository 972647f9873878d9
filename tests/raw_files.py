"""Raw files made by hand, as each simulator writes them."""

import numpy as np

HEADER = (
    b"Title: t\nDate: today\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 2\nNo. Points: 3\nVariables:\n"
    b"\t0\ttime\ttime\n\t1\tV(a)\tvoltage\n"
)
NUMBERS = np.arange(6.0).tobytes()  # time 0, 2, 4 and v(a) 1, 3, 5


def ltspice_file(names, columns):
    """UTF-16 header, time in 8 bytes, everything else in 4."""
    kinds = ["time"] + ["voltage" if name.startswith("V") else "device_current" for name in names[1:]]
    header = (
        "Title: * deck.cir\nDate: Mon Nov 23 03:00:51 2026\nPlotname: Transient Analysis\nFlags: real forward\n"
        f"No. Variables: {len(names)}\nNo. Points: {len(columns[0])}\nOffset: 0.0\n"
        "Command: Linear Technology Corporation LTspice XVII\nVariables:\n"
        + "".join(f"\t{k}\t{name}\t{kind}\n" for k, (name, kind) in enumerate(zip(names, kinds, strict=True)))
        + "Binary:\n"
    )
    record = np.dtype([(f"f{k}", "<f4" if k else "<f8") for k in range(len(names))])
    return header.encode("utf-16-le") + np.array(list(zip(*columns, strict=True)), dtype=record).tobytes()


def xyce_file(plots):
    """Title and date once for all plots, names in capitals, ``#branch`` for currents, a padded number of points."""
    content = b"Title: t\nDate: Mon Nov 23 03:00:51 2026\n"
    for plot_name, names, columns in plots:
        content += (
            f"Plotname: {plot_name}\nFlags: real\nNo. Variables: {len(names)}\nNo. Points: {len(columns[0]):<18}\n"
            "Version: Xyce Release 7.5.0\nVariables:\n"
            + "".join(f"\t{k}\t{name}\t{kind}\n" for k, (name, kind) in enumerate(names))
            + "Binary:\n"
        ).encode() + np.array(columns, dtype="<f8").T.tobytes()
    return content
