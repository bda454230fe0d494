"""The layout: what an import brings with it, who may import whom, how long a file may be."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import skwater

ROOT = Path(skwater.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
HEAVY = {"torch", "skorch", "numba", "cv2", "albumentations", "matplotlib"}
OPTIONAL = (
    "cv2",
    "albumentations",
    "jinja2",
    "matplotlib",
    "pandas",
    "pooch",
    "matio",
    "aeon",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "llvmlite",
    "numba",
    "timm",
    "safetensors",
    "huggingface_hub",
)


def output_of(program):
    """What a program prints in a fresh process."""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    return run.stdout


def modules_after(statement):
    """Names in sys.modules after a statement in a fresh process."""
    return set(output_of(f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')").split())


@pytest.mark.parametrize(
    "statement",
    [
        "import skwater",
        "from skwater import RSSResampler",
        "from skwater import make_pipeline",
        "from skwater import show_versions",
    ],
)
def test_splicing_needs_nothing_heavy(statement):
    modules = modules_after(statement)
    assert "skwater" in modules
    assert modules & HEAVY == set()


# Parts that run networks.
USE_TORCH = {"nn", "classifiers", "monitoring", "export"}

IMPORT_EACH = """
import importlib, sys
for name in {names}:
    for ours in [module for module in sys.modules if module.startswith("skwater")]:
        del sys.modules[ours]  # each module must be importable before the others
    importlib.import_module(f"skwater.{{name}}")
    print(name, *sys.modules.keys() & {{"torch", "skorch"}})
"""


def test_modules_do_not_import_torch():
    names = sorted({*skwater._SUBMODULES, "sequences"} - USE_TORCH)
    assert output_of(IMPORT_EACH.format(names=names)).splitlines() == names


def test_networks_need_torch_only():
    modules = modules_after("import skwater.nn")
    ours = {name for name in modules if name.startswith("skwater.")}
    assert "torch" in modules
    assert {name for name in ours if not name.startswith("skwater.nn")} == set()
    assert modules & (HEAVY | {"sklearn", "imblearn"}) == {"torch"}


class RunsOnly(ast.NodeTransformer):
    """Removes what only a type checker reads."""

    def visit_If(self, node):
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return node.orelse or None
        return self.generic_visit(node)


def imports_of(path, *, inside_functions=True):
    """Absolute names of all that a file imports when it is run."""
    # Examples are not beside an installed package, and import nothing relative to themselves.
    package = path.relative_to(ROOT.parent).parent.parts if path.is_relative_to(ROOT) else ()
    tree = RunsOnly().visit(ast.parse(path.read_text(encoding="utf-8")))
    for node in ast.walk(tree) if inside_functions else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name, *packages):
    return any(name == package or name.startswith(package + ".") for package in packages)


def part_of(path):
    """First name under skwater of a file: nn, classifiers, resampling, ..."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


# Parts that use the others, and that nothing but the top and these three may use.
ENDS = {"classifiers", "plotting", "cli"}
MAY_USE_ENDS = {"__init__", "__main__", "_show_versions", "persistence", "export", "monitoring"}


def test_the_imports_are_found():
    found = {name for path in FILES for name in imports_of(path)}
    assert {"torch", "skwater.sequences.SplicedSequences", "skwater.nn.ConvLSTMNet"} <= found


def test_what_a_type_checker_reads_is_no_import():
    source = "if TYPE_CHECKING:\n    import torch\nelse:\n    import numpy\nif x:\n    import scipy"
    kept = ast.unparse(RunsOnly().visit(ast.parse(source)))
    assert kept == "import numpy\nif x:\n    import scipy"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_import_rules(path):
    part, names = part_of(path), list(imports_of(path))
    ours = [name for name in names if within(name, "skwater")]
    if part == "nn":
        assert [name for name in ours if not within(name, "skwater.nn")] == []
    if part not in {*USE_TORCH, "_show_versions"}:
        assert [name for name in names if within(name, "torch", "skorch")] == []
    if part not in MAY_USE_ENDS:
        ends = [f"skwater.{name}" for name in ENDS - {part}]
        assert [name for name in ours if within(name, *ends)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_optional_libraries_are_imported_inside_functions(path):
    names = imports_of(path, inside_functions=False)
    assert [name for name in names if within(name, *OPTIONAL)] == []


def test_there_is_no_utils():
    assert [path for path in FILES if "utils" in path.stem] == []


def body_length(function):
    """Lines of a function from the first after its docstring to its last."""
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def layout_offenders(path, source):
    """Long files, long functions, and looks at the rank of X outside of the sequence contract."""
    tree = ast.parse(source)
    if len(source.splitlines()) > 400:
        yield f"{path}: more than 400 lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and body_length(node) > 50:
            yield f"{path}: more than 50 lines in {node.name}"
        if getattr(node, "attr", None) == "ndim" and path.parts[0] not in ("sequences", "nn"):
            yield f"{path}: ndim"


LONG = 'def f(a,\n      b):\n    """Some\n\n    text.\n    """\n' + "    a = b\n" * 51


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("a.py", "x = 1\n" * 400, []),
        ("a.py", "x = 1\n" * 401, ["a.py: more than 400 lines"]),
        ("a.py", LONG.removesuffix("    a = b\n"), []),
        ("a.py", LONG, ["a.py: more than 50 lines in f"]),
        ("a.py", "class A:\n  def f(self): return self.X.ndim", ["a.py: ndim"]),
        ("sequences/a.py", "X.ndim", []),
        ("nn/a.py", "frames.ndim", []),
        ("a.py", "import scipy.ndimage", []),
    ],
)
def test_layout_offenders_are_found(path, source, found):
    assert list(layout_offenders(Path(path), source)) == found


def test_layout():
    found = {
        offender
        for path in FILES
        for offender in layout_offenders(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_dir_lists_the_public_names():
    assert set(dir(skwater)) == {*skwater.__all__, "__version__"}


def test_type_checkers_know_the_public_names():
    tree = ast.parse(Path(skwater.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert {alias.name for node in block.body for alias in node.names} == set(skwater.__all__)


def test_the_package_says_that_it_has_types():
    assert ROOT.joinpath("py.typed").exists()


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'skwater' has no attribute 'RSSSampler'"):
        skwater.RSSSampler  # noqa: B018


@pytest.mark.parametrize("name", skwater.__all__)
def test_public_name_resolves(name):
    value = getattr(skwater, name)
    if inspect.ismodule(value):
        assert value.__name__ == f"skwater.{name}"
        assert all(hasattr(value, inner) for inner in value.__all__)
    else:
        assert callable(value)


MODULE_OF = {"imbalanced-learn": "imblearn", "mat-io": "matio", "scikit-learn": "sklearn"}


def test_every_dependency_is_imported():
    checkout = Path(__file__).parents[1]
    if not checkout.joinpath("examples").is_dir():
        pytest.skip("the examples are not beside the tests")
    project = tomllib.loads(checkout.joinpath("pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for_users = [extras[name] for name in extras.keys() - {"dev", "docs"}]
    names = {re.match(r"[\w-]+", line)[0] for line in sum(for_users, project["dependencies"])}
    benchmarks = checkout.joinpath("examples").rglob("*.py")
    imported = {name.split(".")[0] for path in [*FILES, *benchmarks] for name in imports_of(path)}
    assert {MODULE_OF.get(name, name) for name in names} - {"skwater"} - imported == set()
