"""The pages for people: well-formed, linked without a gap, the same in HTML and Markdown, and deaf to hostile text."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from imageproof.cli import main
from imageproof.contract.decisions import decisions
from imageproof.contract.document import canonical, load, parse
from imageproof.contract.families import families
from imageproof.contract.findings import findings
from imageproof.contract.locate import CHECKOUT
from imageproof.contract.overlay import overlaid
from imageproof.contract.requirements import requirements
from imageproof.contract.sources import sources
from imageproof.emit.render import render

FAMILIES = CHECKOUT / "tests" / "golden" / "families" / "spec.yaml"
TODO = CHECKOUT / "tests" / "golden" / "todo" / "spec.yaml"
OVERLAY = CHECKOUT / "spec" / "overlays" / "acme.yaml"
ODD = Path(__file__).with_name("odd_families.yaml")
ALONE = {"meta", "br", "hr", "img", "link", "input"}
HEADINGS = {f"h{level}": level for level in range(1, 7)}

Files = dict[str, str]


class Page(HTMLParser):
    """One page of HTML, read strictly: every element closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.elements[tag] += 1
        self.attributes += [(tag, name, value) for name, value in told.items()]
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if "href" in told else []
        self.headings += [HEADINGS[tag]] if tag in HEADINGS else []
        if tag == "a" and any(one == "a" for one, _ in self.open):
            self.faults.append(f"a link within a link: {told}")
        if tag == "table" and "frame" not in self.open[-1][1].get("class", ""):
            self.faults.append("a table without its own frame")
        if tag == "th" and told.get("scope") not in ("col", "row"):
            self.faults.append("a th without scope")
        if tag not in ALONE:
            self.open.append((tag, told))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop()[0] != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if any(tag == "main" for tag, _ in self.open):
            self.words.append(data)


def rendered(document: object) -> Files:
    return render("docs", {"document": document}, "")


def only_words(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


def markdown_words(text: str) -> str:
    """The words of a page of Markdown from its title on, as a reader of it shows them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    start = next(index for index, one in enumerate(tokens) if one.type == "heading_open")
    children = [child for one in tokens[start:] for child in one.children or ()]
    return only_words("".join(child.content for child in children if child.type in ("text", "code_inline")))


@pytest.fixture(scope="module")
def ours() -> Files:
    return rendered(canonical())


@pytest.fixture(scope="module")
def pages(ours: Files) -> dict[str, Page]:
    return {path: Page(text) for path, text in ours.items() if path.endswith(".html")}


def test_every_page_is_there_twice(ours: Files) -> None:
    names = ["index", "capabilities", "operations", "requirements", "findings", "providers", "decisions"]
    names += [f"sources/{one}" for one in sources()]
    markdown = {f"{name}.md" for name in names if name != "index"} | {"README.md"}
    assert set(ours) == {f"{name}.html" for name in names} | markdown


def test_pages_are_well_formed(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert (path, page.faults, page.open) == (path, [], [])
        assert [one for one, count in Counter(page.ids).items() if count > 1] == [], path
        assert page.headings[0] == 1 and page.headings.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False)), path


def test_pages_need_nothing_but_themselves(ours: Files, pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert not {"script", "img", "link", "iframe", "form"} & set(page.elements), path
        assert not [one for one in page.attributes if one[1] in ("src", "style") or one[1].startswith("on")], path
        assert not [link for link in page.links if ":" in link or link.startswith("/")], path
        assert page.elements["style"] == 1 and "@import" not in ours[path] and "url(" not in ours[path]
        assert ("html", "lang", "en") in page.attributes
        assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
        assert "prefers-color-scheme: dark" in ours[path]
        assert "#content" in page.links and "content" in page.ids


def test_links_of_html_resolve(pages: dict[str, Page]) -> None:
    assert broken({path: (page.links, page.ids) for path, page in pages.items()}) == []


def test_links_of_markdown_resolve(ours: Files) -> None:
    assert broken({path: markdown_links(text) for path, text in ours.items() if path.endswith(".md")}) == []


def markdown_links(text: str) -> tuple[list[str], list[str]]:
    """Targets and anchors of a page; all HTML in it is an anchor, or the comment at its head."""
    links, anchors = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for one in [token, *(token.children or ())]:
            if one.type == "link_open":
                links.append(unquote(str(one.attrs["href"])))
            elif one.type in ("html_inline", "html_block") and not one.content.startswith("<!-- Generated by"):
                found = re.fullmatch(r'<a id="([\w.-]+)">(?:</a>)?|</a>', one.content.strip())
                assert found, one.content
                anchors += [found[1]] if found[1] else []
    return links, anchors


def broken(found: dict[str, tuple[list[str], list[str]]]) -> list[str]:
    missing = []
    for path, (links, _) in found.items():
        for link in links:
            page, _, fragment = link.partition("#")
            there = normpath(join(dirname(path), page)) if page else path
            if there not in found or (fragment and fragment not in found[there][1]):
                missing.append(f"{path}: {link}")
    return missing


def test_both_formats_say_the_same(ours: Files, pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        markdown = ours["README.md" if path == "index.html" else path.replace(".html", ".md")]
        assert only_words("".join(page.words)) == markdown_words(markdown), path


def test_nothing_of_the_contract_is_left_out(ours: Files, pages: dict[str, Page]) -> None:
    capabilities = pages["capabilities.html"]
    text = only_words("".join(capabilities.words))
    for family in families(canonical()):
        assert f"family.{family.id}" in capabilities.ids
        assert all(only_words(model) in text for model in family.models)
        for operation in family.operations:
            for parameter in family.cells[operation]:
                assert f"{operation}.{parameter.removesuffix('[]')}" in capabilities.ids
    assert set(requirements()) <= set(pages["requirements.html"].ids)
    assert set(findings()) <= set(pages["findings.html"].ids)
    assert {f"decision.{one}" for one in decisions().rows} <= set(pages["decisions.html"].ids)
    for name, source in sources().items():
        page = only_words("".join(pages[f"sources/{name}.html"].words))
        assert all(only_words(note.says) in page for note in source.notes)


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("prompt", "| string; 1 to 32000 characters; required | at most 1000 characters | at most 4000 characters |"),
        ("n", "| integer or null; 1 to 10; default `1` |  | at most 1 |  |"),
        ("quality", "| `auto`, `low`, `medium`, `high`, `xhigh`, `max`; default `auto` |"),
        ("size", "| `auto`, `WIDTHxHEIGHT` of edges in multiples of 16, at most 3840 each and at most 3:1, with"),
        ("stream", "| only `false` |"),
        ("style", "| not a parameter **either** | `vivid`, `natural`; default `vivid` |"),
    ],
)
def test_cells_of_the_capability_table(ours: Files, parameter: str, said: str) -> None:
    (line,) = [one for one in ours["capabilities.md"].splitlines() if f'<a id="createImage.{parameter}">' in one]
    assert said in line


def test_files_dates_and_prices(ours: Files) -> None:
    text = ours["capabilities.md"]
    assert "| png, square, less than 4 MiB, without a mask: with an alpha channel; `image[]`: at most 1 item |" in text
    assert "**scheduled** shut down on 2026-12-01" in text and "**current** since 2026-11-04" in text
    assert "| `hd` | 0.08 | 0.12 | 0.12 |" in text and "- As of: 2023-12-01" in text
    assert "a transparent background is a preview on this model **either**" in text


HOSTILE = "<script>alert(1)</script> | `x` [y](javascript:z) \\u202e **b** &amp; $m$"


@pytest.mark.parametrize("old", ["title: Families", "source: nobody", "message: calm needs a size", "mood:", "[calm]"])
def test_hostile_text_stays_text(old: str) -> None:
    """In a title, a source, a message, the name of a parameter and a value."""
    key, _, _ = old.partition(":")
    new = {"mood:": f'"{HOSTILE}":', "[calm]": f'["{HOSTILE}"]'}.get(old, f'{key}: "{HOSTILE}"')
    text = FAMILIES.read_text(encoding="utf-8")
    assert old in text
    text = re.sub(r"message: .*", "message: x", text) if old == "mood:" else text
    text = text.replace(f"{old}, and no stream" if old.startswith("message") else old, new)
    text = text.replace("properties: {mood: {const: calm}}, required: [mood]", "properties: {size: {const: 1x1}}")
    files = rendered(parse(text, "spec.yaml"))
    shown = HOSTILE.encode().decode("unicode_escape").replace("\u202e", "\ufffd")
    found = 0
    for path, content in files.items():
        assert "\u202e" not in content
        if path.endswith(".html"):
            page = Page(content)
            assert (page.faults, page.elements["script"]) == ([], 0)
            found += only_words(shown) in only_words("".join(page.words))
            markdown = files["README.md" if path == "index.html" else path.replace(".html", ".md")]
            assert only_words("".join(page.words)) == markdown_words(markdown), path
        else:
            links, _ = markdown_links(content)
            assert not [link for link in links if link.startswith("javascript")]
            assert_square(content)
    assert found


def assert_square(markdown: str) -> None:
    """All rows of a table have as many cells as its head."""
    for token in (tokens := MarkdownIt("commonmark").enable("table").parse(markdown)):
        if token.type == "inline":
            assert not token.content.startswith("| "), token.content
    rows = [one for one in tokens if one.type == "tr_open"]
    assert rows
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(lines) == len(rows) + markdown.count("\n| --- ")


def test_a_document_of_somebody_elses_has_no_rules_of_ours() -> None:
    files = rendered(load(FAMILIES))
    assert set(files) == {f"{one}.html" for one in ("index", "capabilities", "operations")} | {
        "README.md",
        "capabilities.md",
        "operations.md",
    }
    assert "`X-SIZE`" in files["capabilities.md"] and "requirements" not in files["capabilities.md"]
    found = {path: (page.links, page.ids) for path, text in files.items() if (page := Page(text)) and ".html" in path}
    assert broken(found) == []


def test_an_overlay_shows(ours: Files) -> None:
    over = overlaid(canonical(), [str(OVERLAY)])
    files = rendered(over)
    assert set(files) == set(ours)
    new = [one for one in families(over) if one.id not in {old.id for old in families(canonical())}]
    assert new
    for family in new:
        assert f'<a id="family.{family.id}">' in files["capabilities.md"]
        assert all(f"`{model}`" in files["capabilities.md"] for model in family.models)
    for parameter in ("seed", "watermark"):
        anchor = f'<a id="createImage.{parameter}">'
        assert anchor in files["capabilities.md"] and anchor not in ours["capabilities.md"]
    assert f"Laid over the contract: `{OVERLAY.name}`" in files["README.md"]
    assert {path for path in ours if files[path] == ours[path]} >= {f"sources/{one}.md" for one in sources()}


def test_an_odd_document_has_whole_pages() -> None:
    """Schemas that are booleans, compositions, references into schemas, names that no anchor can hold."""
    files = rendered(load(ODD))
    found = {path: Page(text) for path, text in files.items() if path.endswith(".html")}
    assert broken({path: (page.links, page.ids) for path, page in found.items()}) == []
    assert broken({path: markdown_links(text) for path, text in files.items() if path.endswith(".md")}) == []
    for path, page in found.items():
        markdown = files["README.md" if path == "index.html" else path.replace(".html", ".md")]
        assert (path, page.faults) == (path, [])
        assert only_words("".join(page.words)) == markdown_words(markdown)
    text = files["capabilities.md"]
    for said in (
        "string at most 3 characters or anything",
        "only `auto` or `WIDTHxHEIGHT` of edges in multiples of 2",
        "at most 9, more than 1; width at least 3, without an alpha channel, png, less than 1000 bytes",
        '`{"not": {"enum": [1]}, "if": {"type": "string"}, "then": {"maxLength": 1}}` **either** | `X-A` |',
        "| any | 0.1 | 0.2 |",
    ):
        assert said in text
    assert "- Takes: string or [`Size`](#schema.Size)" in files["operations.md"]


def generate(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["generate", "-q", *map(str, args)])


def test_a_document_without_families_has_no_pages(tmp_path: Path) -> None:
    """Left out where no target is named, and an error where it is."""
    assert generate("--spec", TODO, "--out", tmp_path / "all").exit_code == 0
    assert {one.name for one in (tmp_path / "all").iterdir()} == {
        *("MANIFEST.json", "go", "openapi", "python", "typescript")
    }
    result = generate("--spec", TODO, "--target", "docs", "--out", tmp_path / "docs")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert f"{TODO} has no x-model-families; name other targets, as in --target python" in result.stderr
    assert not (tmp_path / "docs").exists()


def test_a_document_with_families_has_pages_by_default(tmp_path: Path) -> None:
    assert generate("--spec", FAMILIES, "--out", tmp_path).exit_code == 0
    assert (tmp_path / "docs" / "index.html").is_file() and (tmp_path / "docs" / "README.md").is_file()
    assert generate("--spec", FAMILIES, "--out", tmp_path, "--check").exit_code == 0
