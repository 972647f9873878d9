"""Text of a user inside a netlist, where it must stay text."""

import re
import unicodedata


def one_line(text: str) -> str:
    r"""Make any text safe as a netlist's title or, after ``* `` or ``// ``, as one of its comment lines.

    Whatever ends a line anywhere (``\r``, form feed, U+2028, ...) and whatever cannot be seen becomes a space, so
    nothing of the text can stand at the start of a line. A first character that means something there becomes harmless
    behind ``text:``: ``.include``, ``*#`` and ``*ng_script`` (commands to ngspice), ``+`` (goes on with the line
    before), ``//``, ``#``, ``$``, ``;``. Backslashes at the end, which some dialects take for "goes on below", are
    dropped.

    Parameters
    ----------
    text
        Anything.

    Returns
    -------
    str
        One line without line end; what was readable stays readable.
    """
    visible = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    line = re.sub(r"[\\\s]+$", "", " ".join(visible.split()))
    return line if not line or line[0].isalnum() else f"text: {line}"
