"""The watch as a process: kills, Ctrl-C, cron."""

import os
import shutil
import signal
import time

import pytest
from kill_watch import check

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
def test_kills_lose_nothing_and_repeat_nothing(tmp_path):
    assert check(tmp_path, n_kills=3, seed=1) == 12 * 20


@posix
def test_ctrl_c_stops_cleanly(start_process, season, model, tmp_path):
    options = ["--model", model, "--out", tmp_path / "a.csv", "--threshold", 0]
    process = start_process(
        "watch", season / "images", *options, "--pos-label", "dry", "--interval", 600
    )
    for _ in range(90):  # an alarm for each plant: then it waits for the next look
        if process.stdout.readline().startswith("ALARM: plant plant-18"):
            break
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("Stopped.\n")
    assert "Traceback" not in err
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 91


def test_once_is_for_cron(run, season, model, tmp_path):
    shutil.copytree(season / "images", tmp_path / "new")
    (tmp_path / "new" / "plant-01" / "2025-05-15.png").write_bytes(b"")
    line = f"watch {tmp_path / 'new'} --model {model} --out {tmp_path / 'a.csv'} --once "
    line += "--threshold 0.5 --pos-label dry"
    done = run(line)
    assert done.exit_code == 1
    assert "Not used: plant-01/2025-05-15.png: the file is empty\n" in done.stderr
    done = run(line)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Not used" not in done.stderr


def test_long_lists_of_problems_are_cut(run, season, model, tmp_path):
    line = f"watch {season / 'images'} --model {model} --out {tmp_path / 'a.csv'} --once "
    done = run(line + "--threshold 0.5 --pos-label dry --start 2020-01-01")
    assert done.exit_code == 1
    assert "Pass --start if day 0 is another date than 2020-01-01, or --tolerance if" in done.stderr
    assert done.stderr.endswith("... and 70 more\n")


def test_what_is_needed_is_named_by_its_option(run, season, model, tmp_path):
    line = f"watch {season / 'images'} --model {model} --out {tmp_path / 'a.csv'} --once "
    assert "threshold is needed" in run(line).stderr
    assert "--pos-label names the stressed one" in run(line + "--threshold 0.5").stderr
