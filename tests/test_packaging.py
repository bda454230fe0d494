"""The extras can be installed with the constraints, and the files of the project can be read."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OF_CUDA = re.compile("nvidia-|cuda-|triton")  # a CUDA build of torch brings them


def requirements(lines):
    """Requirements by normal name, without comments."""
    found = [Requirement(line.partition(" #")[0]) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


CONSTRAINTS = requirements(
    line
    for line in ROOT.joinpath("constraints.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
)


def is_constrained(requirement):
    """Whether a constraint exists whose versions, or one end of their range, satisfy it."""
    constraint = CONSTRAINTS.get(canonicalize_name(requirement.name))
    ends = [end.version for end in constraint.specifier] if constraint else []
    return any(requirement.specifier.contains(end, prereleases=True) for end in ends)


def needed_by(extra):
    """Yield (who, requirement) for an extra and for all that is installed of what it brings."""
    waiting = [("skwater", line) for line in [*PROJECT["dependencies"], *EXTRAS.get(extra, [])]]
    seen = set()
    while waiting:
        who, line = waiting.pop()
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if name == "skwater":
            waiting += [(who, line) for extra in requirement.extras for line in EXTRAS[extra]]
            continue
        yield who, requirement
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        constraint = CONSTRAINTS.get(name)
        if constraint and not constraint.specifier.contains(installed.version):
            continue  # the lowest or the newest: what the version of the constraints needs differs
        lines = [] if name in seen else installed.requires
        seen.add(name)
        waiting += [(name, line) for line in lines or []]


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_constraints_hold_for_every_extra(extra):
    """N22: an extra needed numba < 0.64 while the constraints had a newer one.

    What packages need is known of installed ones only, in the versions of the constraints; a
    workflow resolves every extra.
    """
    wrong = [
        f"{who} needs {requirement}"
        for who, requirement in needed_by(extra)
        if not OF_CUDA.match(requirement.name) and not is_constrained(requirement)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/**/*.yml")), ids=lambda path: path.name)
def test_file_of_the_forge_is_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


def test_citation_names_the_version():
    citation = yaml.safe_load(ROOT.joinpath("CITATION.cff").read_text("utf-8"))
    assert (citation["title"], citation["version"]) == (PROJECT["name"], PROJECT["version"])
    assert citation["license"] == PROJECT["license"]


def test_workflows_test_every_supported_python():
    workflow = yaml.safe_load(ROOT.joinpath(".github/workflows/tests.yml").read_text("utf-8"))
    tested = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    classifier = "Programming Language :: Python :: 3."
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if classifier in line]
    assert tested == named
    assert PROJECT["requires-python"] == f">={tested[0]}"
