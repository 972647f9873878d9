import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Pages that are made while the site is built; "mkdocs build --strict" checks links to them.
GENERATED = ("api/", "cards/", "benchmarks.md")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve()
        generated = path.is_relative_to(ROOT / "docs") and path.relative_to(ROOT / "docs").as_posix().startswith(
            GENERATED
        )
        assert path.exists() or generated, f"{page.relative_to(ROOT)} links to {target}"
