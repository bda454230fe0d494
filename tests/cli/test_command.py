"""Help, errors, exit codes, and the Python lines that do the same."""

import csv
import io
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import skwater
from skwater.cli import main
from skwater.cli._command import Command, as_options, call, literal

COMMANDS = ["check", "demo", "evaluate", "inspect", "predict", "train", "watch"]
HEAVY = ["torch", "numpy", "sklearn", "scipy", "cv2", "tqdm", "imblearn"]


def test_help_imports_nothing_heavy():
    program = (
        "import sys\nfrom skwater.cli import main\nmain(['--help'], standalone_mode=False)\n"
        f"print('imported:', *sys.modules.keys() & set({HEAVY}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("Usage: ")
    assert done.stdout.endswith("imported:\n")


def test_the_module_runs(start_process):
    out, err = start_process("--version").communicate(timeout=60)
    assert skwater.__version__ in out
    assert err == ""


def test_the_commands():
    assert sorted(main.commands) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(run, name):
    done = run(f"{name} --help")
    assert done.exit_code == 0
    assert f"  skwater {name}" in done.output
    assert "--show-code" in done.output
    short = main.commands[name].get_short_help_str(60)
    assert not short.endswith("...")


def test_usage_errors_exit_with_2(run, season):
    for line in ["check", "check nothing.csv", "check . --size 3x", "unknown", "train . --out a/b"]:
        assert run(line).exit_code == 2
    done = run("check --labels", season / "images.csv", season / "images.csv")
    assert done.exit_code == 2
    assert "--labels is for a folder" in done.stderr
    done = run("check --path file", season)
    assert "--path is for a CSV file" in done.stderr


def _command(function):
    return Command("try", callback=function, code=lambda: "", params=[])


def _invoke(function, *args):
    return CliRunner().invoke(_command(function), args)


def test_an_error_is_one_sentence_without_a_traceback():
    def fail():
        raise ValueError("The image is blue.")

    done = _invoke(fail)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: The image is blue.\n"


def test_an_unexpected_error_says_how_to_see_more():
    def fail():
        raise KeyError("x")

    assert _invoke(fail).stderr == "Error: KeyError: 'x' (--debug shows where)\n"


def test_debug_shows_the_error(monkeypatch):
    def fail():
        raise ValueError("The image is blue.")

    assert isinstance(_invoke(fail, "--debug").exception, ValueError)
    monkeypatch.setenv("SKWATER_DEBUG", "1")
    assert isinstance(_invoke(fail).exception, ValueError)


def test_ctrl_c_exits_with_130():
    def stop():
        raise KeyboardInterrupt

    done = _invoke(stop)
    assert (done.exit_code, done.stderr) == (130, "\nStopped.\n")


def test_a_warning_is_one_line():
    def warn():
        warnings.warn("The images are dark.", stacklevel=2)

    done = _invoke(warn)
    assert (done.exit_code, done.stderr) == (0, "Warning: The images are dark.\n")


def test_a_missing_file_is_named(tmp_path):
    done = _invoke((tmp_path / "none").read_text)
    assert done.stderr == f"Error: {tmp_path / 'none'}: No such file or directory\n"


def test_arguments_in_errors_are_options():
    options = [click.Option([f"--{name}"]) for name in ("start", "pos-label", "size", "date")]
    texts = {
        "pass start= if day 0 is another date": "pass --start if day 0 is another date",
        "ask for one with size=(height, width).": "ask for one with --size (height, width).",
        "pos_label is not given": "--pos-label is not given",
        "at the start of a date, of some size": "at the start of a date, of some size",
        "  indented: date=.": "  indented: --date.",
        "labels=False if there are none": "--no-labels if there are none",
        "labels={'plant 1': 'dry', ...} or a CSV file; x": "--labels plants.csv, a CSV file; x",
    }
    assert {text: as_options(text, options) for text in texts} == texts


def test_code_of_values():
    assert literal("a/b") == '"a/b"'
    for value in ['a"b', "a'b", "a\\b", "a\nb", "ü{}", None, (3, 4), ["a"]]:
        assert eval(literal(value)) == value
    assert call("f", 1, b="x") == 'f(1, b="x")'
    assert call("f", "x" * 80) == f'f(\n    "{"x" * 80}",\n)'


def _execute(code):
    """Names that lines of Python define, and what they print."""
    names, printed = {}, io.StringIO()
    with redirect_stdout(printed):
        exec(code, names)
    return names, printed.getvalue()


def test_code_of_check_does_the_same(run, season):
    line = f"check {season / 'images.csv'} --size 8"
    done, code = run(line), run(f"{line} --show-code").output
    _, printed = _execute(code)
    assert done.output.split("\n\n")[-1] in printed + "\n"


_ONSET = "--start 2025-05-01 --onset-day 28"


@pytest.mark.parametrize(
    "samplers", ["", f"--splice 20 {_ONSET}", f"--for-watch --pos-label dry {_ONSET}"]
)
def test_code_of_train_does_the_same(run, season, tmp_path, samplers):
    file = tmp_path / "model.skwater"
    line = f"train {season / 'images.csv'} --size 8 --epochs 2 --out {file} {samplers}"
    done = run(line)
    assert done.exit_code == 0
    assert f"{file}: trained on 18 plants, classes dry, wet" in done.stdout
    assert "2/2" in done.stderr  # the progress bar
    first = file.read_bytes()
    file.unlink()
    code = run(f"{line} --show-code").output
    assert not file.exists()
    names, _ = _execute(code)
    assert file.read_bytes() == first
    assert hasattr(names["model"], "steps") == bool(samplers)


def test_a_model_for_watch(run, season, tmp_path):
    """Alarms of a model of whole seasons come on the first days, and are false."""
    file, out = tmp_path / "model.skwater", tmp_path / "alarms.csv"
    line = f"train {season / 'images.csv'} --size 8 --epochs 2 --out {file}"
    done = run(f"{line} --for-watch --pos-label dry")
    assert (done.exit_code, file.exists()) == (2, False)
    assert "--for-watch needs --onset-day and --pos-label" in done.stderr
    watch = f"watch {season / 'images'} --model {file} --out {out} --once --threshold 1"
    for options, is_noted in (("", True), (f"--for-watch --pos-label dry {_ONSET}", False)):
        assert run(f"{line} {options}").exit_code == 0
        done = run(f"{watch} --pos-label dry")
        assert done.exit_code == 0
        assert ("Train it with --for-watch" in done.stderr) == is_noted
        for made in (out, tmp_path / "alarms.csv.state"):
            made.unlink()


def test_damaged_images_are_missing_frames_by_choice(run, season, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(season / "images", images)
    shutil.copy(season / "images.csv", tmp_path)
    file = next(images.rglob("*.png"))
    file.write_bytes(file.read_bytes()[:-20])
    out = tmp_path / "model.skwater"
    line = f"train {tmp_path / 'images.csv'} --size 8 --epochs 1 --out {out}"
    done = run(line)
    assert (done.exit_code, out.exists()) == (1, False)
    assert 'or pass --on-error "missing" to take them as missing frames' in done.stderr
    assert run(f"{line} --on-error missing").exit_code == 0
    assert 'on_error="missing"' in run(f"{line} --on-error missing --show-code").output
    assert 'on_error="missing"' in run(f"evaluate {images} --on-error missing --show-code").output


def test_code_of_predict_does_the_same(run, season, model):
    line = f"predict {model} {season / 'images'}"
    rows = list(csv.DictReader(run(line).stdout.splitlines()))
    names, printed = _execute(run(f"{line} --show-code").output)
    assert [f"{row['plant']} {row['prediction']}" for row in rows] == printed.splitlines()
    found = [[float(row["probability of dry"]), float(row["probability of wet"])] for row in rows]
    np.testing.assert_allclose(found, names["new"].probability, atol=1e-6)


def test_code_of_inspect_does_the_same(run, model):
    done = run(f"inspect {model}")
    assert "classes: ['dry', 'wet']" in done.output
    assert _execute(run(f"inspect {model} --show-code").output)[1] == done.output


def test_code_of_watch_does_the_same(run, season, model, tmp_path):
    out = tmp_path / "a.csv"
    line = f"watch {season / 'images'} --model {model} --out {out} --once --threshold 0 "
    line += "--pos-label dry"
    assert run(line).exit_code == 0
    first = out.read_bytes()
    out.unlink()
    tmp_path.joinpath("a.csv.state").unlink()
    names, _ = _execute(run(f"{line} --show-code").output)
    names["watch"].close()
    assert out.read_bytes() == first
    endless = run(line.replace("--once", "--interval 5") + " --show-code").output
    assert "while True:" in endless
    assert endless.endswith("    time.sleep(5)\n")
    compile(endless, "shown", "exec")


def test_code_of_evaluate_does_the_same(run, season):
    line = f"evaluate {season / 'images.csv'} --size 8 --epochs 1 --repeats 1 --pos-label dry"
    done = run(line)
    assert done.exit_code == 0
    assert "conv-lstm" in done.stdout
    code = run(f"{line} --show-code").output
    assert _execute(code)[1] == done.stdout
    code = run(f"{line} --report r.html --show-code").output
    assert code.endswith('report("r.html", data=plants, result=result)\n')


def test_an_interrupted_evaluation_keeps_what_is_finished(run, season, monkeypatch):
    from skwater.evaluation import _benchmark

    whole = _benchmark.run

    def interrupted(tasks, **options):
        for n_done, outcome in enumerate(whole(tasks, **options), 1):
            yield outcome
            if n_done > len(tasks) / 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(_benchmark, "run", interrupted)
    line = f"evaluate {season / 'images.csv'} --size 8 --epochs 1 --repeats 2 --pos-label dry"
    done = run(line)
    assert done.exit_code == 130
    assert "conv-lstm" in done.stdout


def test_evaluate_writes_a_report(run, season, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    report = tmp_path / "report.html"
    line = f"evaluate {season / 'images.csv'} --size 8 --epochs 1 --repeats 1 --pos-label dry"
    assert run(f"{line} --report", report).exit_code == 0
    assert "treatment-6" in report.read_text(encoding="utf-8")


def test_a_session_without_python(run, tmp_path, monkeypatch):
    """From images to alarms: what the demo says to try next works as it stands."""
    monkeypatch.chdir(tmp_path)
    done = run("demo", "my demo")
    assert done.exit_code == 0, done.output
    assert "No problem found." in done.stdout
    assert "plant-18," in done.stdout
    next_lines = done.stdout.split("What to try next:")[1].splitlines()
    for name in ("train", "watch"):
        line = next(line for line in next_lines if f"skwater {name}" in line)
        done = run(line.strip().removeprefix("skwater "))
        assert done.exit_code == 0
    assert "ALARM: plant plant-18" in done.stdout
    days = [float(day) for day in re.findall(r"ALARM: .* day (\d+)", done.stdout)]
    assert min(days) > 28, "no alarm before the last irrigation"
    assert len(Path("my demo/alarms.csv").read_text().splitlines()) == 91


def test_the_demo_leaves_files_alone(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    done = run("demo .")
    assert done.exit_code == 1
    assert "is not empty: name another one" in done.stderr
    compile(run("demo other --show-code").output, "shown", "exec")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
