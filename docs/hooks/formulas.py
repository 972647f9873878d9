"""Formulas: LaTeX becomes MathML while the site is built, so that pages need neither a script nor the network for it.

Browsers set MathML with a mathematical font, which not every reader has. The site therefore brings one along, STIX Two
Math (SIL Open Font License) as the package ziamath ships it, less the characters that no formula needs.
"""

import html
import re
from importlib.resources import as_file, files
from io import BytesIO

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from math_core import LatexError, LatexToMathML
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

FONT = "assets/formulas.woff"

# Latin and Greek letters, punctuation, arrows and operators, and the letters that browsers put for italic ones.
_RANGES = [(0x20, 0x180), (0x2B0, 0x400), (0x2000, 0x2070), (0x2190, 0x2400), (0x1D434, 0x1D468), (0x1D6E2, 0x1D71C)]

# What the Markdown extension arithmatex makes of $...$ and $$...$$.
_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)


def on_files(site_files: Files, config: MkDocsConfig) -> Files:
    """Add the font to the site."""
    site_files.append(File.generated(config, FONT, content=_font()))
    return site_files


def on_page_content(content: str, page: Page, **_: object) -> str:
    """Turn the formulas of a page into MathML."""
    converter = LatexToMathML(annotation=True, fancy_error=False)

    def mathml(found: re.Match) -> str:
        latex = html.unescape(found["latex"]).strip()
        displayed = found["tag"] == "div"
        latex = re.sub(r"\\tag\{(.*?)\}", r"\\qquad\\text{(\1)}", latex)  # beside the formula, not at the margin
        try:
            return converter.convert_with_local_state(latex, displaystyle=displayed)
        except LatexError as error:
            raise PluginError(f"{page.file.src_uri}: formula {latex!r}: {error}") from None

    return _FORMULA.sub(mathml, content)


def _font() -> bytes:
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        font = TTFont(path)
    subsetter = Subsetter(Options(layout_features=["ssty"], hinting=False))
    subsetter.populate(unicodes=[character for start, stop in _RANGES for character in range(start, stop)])
    subsetter.subset(font)
    font.flavor = "woff"
    written = BytesIO()
    font.save(written)
    return written.getvalue()
