"""Code blocks of README and docs run, and their words are those that we use.

The blocks of a page run one after the other in one namespace, in a folder that docs_folder.py has
filled. A comment ``.. hidden code`` (``<!-- hidden code -->`` in Markdown) holds lines that run and
are not shown, for what a page takes for granted, such as X and y. A block after a comment
``.. not run: reason`` (``<!-- not run: reason -->``) is only compiled. Networks are trained for one
epoch if the block does not say how many, and baselines of aeon are left out.
"""

import io
import re
import shutil
import sys
import textwrap
import tokenize
from pathlib import Path

import docs_folder
import pytest

from skwater.classifiers import _sequence_classifier

ROOT = Path(__file__).parents[1]
BUILT = {"_build", "generated", "auto_examples", "_templates"}
PAGES = sorted(
    [
        ROOT / "README.md",
        *(
            path
            for path in (ROOT / "docs").rglob("*")
            if path.suffix in {".rst", ".md"} and not BUILT & set(path.parts)
        ),
    ]
)

RST_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. (?P<kind>code-block:: python|hidden code|not run: .+)\n"
    r"(?P<code>(?:(?:(?P=indent) +.*)?\n)*)",
    flags=re.MULTILINE,
)
MARKDOWN_BLOCK = re.compile(
    r"^(?:```(?P<kind>python)\n(?P<code>.*?)^```$"
    r"|<!-- (?P<hidden>hidden code)\n(?P<hidden_code>.*?)^-->$"
    r"|<!-- (?P<skip>not run: .+) -->$)",
    flags=re.MULTILINE | re.DOTALL,
)


def code_blocks(text, suffix):
    """Yield (line, code, runs) for the blocks of a page."""
    runs = True
    for match in (RST_BLOCK if suffix == ".rst" else MARKDOWN_BLOCK).finditer(text):
        found = match.groupdict()
        kind = found["kind"] or found.get("hidden") or found["skip"]
        if kind.startswith("not run"):
            runs = False
            continue
        code = found["code"] or found.get("hidden_code") or ""
        code = re.sub(r"\A( *:[\w-]+:.*\n)+", "", code)  # options of the directive
        yield text[: match.start()].count("\n") + 2, textwrap.dedent(code), runs
        runs = True


EXAMPLE_RST = """
.. hidden code

    a = 1

.. code-block:: python
    :emphasize-lines: 1

    b = a

    c = b

.. not run: needs a cluster

.. code-block:: python

    connect()
"""
EXAMPLE_MARKDOWN = """
<!-- hidden code
a = 1
-->
```python
b = a
```
<!-- not run: needs a cluster -->
```python
connect()
```
"""


@pytest.mark.parametrize(("text", "suffix"), [(EXAMPLE_RST, ".rst"), (EXAMPLE_MARKDOWN, ".md")])
def test_code_blocks_are_found(text, suffix):
    found = [(code.split(), runs) for _, code, runs in code_blocks(text, suffix)]
    shown = ["b", "=", "a", *(["c", "=", "b"] if suffix == ".rst" else [])]
    assert found == [(["a", "=", "1"], True), (shown, True), (["connect()"], False)]


@pytest.fixture(scope="module")
def full_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("docs")
    docs_folder.fill(root)
    return root


WITH_CODE = [
    path for path in PAGES if any(code_blocks(path.read_text(encoding="utf-8"), path.suffix))
]


@pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_blocks(path, full_folder, tmp_path, monkeypatch, capsys):
    shutil.copytree(full_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        _sequence_classifier,
        "choose_max_epochs",
        lambda max_epochs, *_: 1 if max_epochs == "auto" else max_epochs,
    )
    monkeypatch.setitem(sys.modules, "aeon", None)  # its kernels are compiled for many seconds
    namespace = {"__name__": "__main__"}
    for line, code, runs in code_blocks(path.read_text(encoding="utf-8"), path.suffix):
        program = compile("\n" * (line - 1) + code, str(path), "exec")
        if runs:
            exec(program, namespace)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.close("all")


MARKDOWN = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


# Words that we do not use, and what stands in their place.
WORDS = {
    r"\b[Pp]hotos?\b": "image",
    r"\bpictures?\b": "image, figure",
    r"\b[Gg]rey\w*": "gray",
    r"[Cc]olour": "color",
    r"centre|neighbour|behaviour": "center, neighbor",
    r"(standard|normal|optim|memor|summar|recogn)is(e|ation|ing)": "-ize",
    r"\b[Ss]eries of (numbers|vectors|frames|images)|\b(on|to|of) series\b": "sequence",
    r"whole copies|\bby copies": "random over-sampling",
    r"bring\w* (the )?(smaller )?classes level": "balances the classes",
    r"plants right\b": "plants classified correctly",
    r"NaN throughout": "all-NaN",
    r"\bthe last water\b(?! potential)": "last irrigation",
    r"says .?stressed|evidence suffices": "raises an alarm",
    r"\bthe way back\b": "backward pass",
    r"computed? .* a second time": "recomputes",
    r"numbers of \d to \d|(?<!hexa)decimal digits": "8-bit mantissa",
    r"the alphabet\b": "string labels have no natural positive class",
    r"has not got it|said at once": "raises immediately",
    r"seen by nobody|[Dd]amage inside": "is not detected",
    r"(?<![\w.\[\])}/*\\:])[-+]?\.\d+\b(?!\.\d|\w)": "0.95, with its zero",
}


def texts():
    """Yield (place, text): pages, and the docstrings, comments and messages of the code."""
    for path in [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]:
        yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
    for path in sorted([*(ROOT / "examples").rglob("*.md"), *(ROOT / "examples").rglob("*.rst")]):
        yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
    for path in sorted([*(ROOT / "skwater").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]):
        yield path.relative_to(ROOT), words_of_code(path.read_text(encoding="utf-8"))


def words_of_code(source):
    """Comments and strings, on the lines that they have in the source, and names."""
    lines = [""] * (source.count("\n") + 2)
    strings = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None), tokenize.COMMENT}
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in strings or token.type == tokenize.NAME:
            # From Python 3.12 on, parts of f"{x:.1f}" and f"{x}.0" are tokens of their own.
            text = before + token.string if before in (":", "}") else token.string
            for offset, line in enumerate(text.split("\n")):
                lines[token.start[0] - 1 + offset] += " " + line
        before = token.string
    return "\n".join(lines)


def without_quotations(text):
    """A text without code in Markdown and reStructuredText that quotes other works or shell."""
    return re.sub(r"https?://\S+", "", text)


def offenders(place, text):
    text = without_quotations(text)
    for pattern, instead in WORDS.items():
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{place}:{line}: {match[0]!r}; we say: {instead}"


@pytest.mark.parametrize(
    "text",
    [
        "Photos of plants",
        "a picture",
        "grey or coloured",
        "a score of .95, +.02",
        "9 plants right",
        "a frame that is NaN throughout",
        "days from the last water",
        "series of numbers",
        "Sorted by the alphabet",
    ],
)
def test_old_words_are_found(text):
    assert list(offenders("page", text))


@pytest.mark.parametrize(
    "text", ["image time series", "0.95", "x[.5]", "plants.days", "v0.1.0", ".. 5", "1.5", "*.95"]
)
def test_good_words_pass(text):
    assert list(offenders("page", text)) == []


def test_words():
    assert [line for place, text in texts() for line in offenders(place, text)] == []
