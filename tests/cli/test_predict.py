"""A CSV table of predictions."""


def test_the_table_goes_to_a_file(run, season, model, tmp_path):
    out = tmp_path / "new.csv"
    done = run("predict", model, season / "images", "--out", out)
    assert (done.exit_code, done.output) == (0, "")
    lines = out.read_text().splitlines()
    assert lines[0] == "plant,prediction,probability of dry,probability of wet"
    assert len(lines) == 19


def test_an_error_leaves_no_file(run, season, model, tmp_path):
    out = tmp_path / "new.csv"
    out.write_text("before")
    done = run("predict", model, season / "images", "--start", "2020-01-01", "--out", out)
    assert done.exit_code == 1
    assert "Pass --start if day 0 is another date than 2020-01-01, or --tolerance if" in done.stderr
    assert out.read_text() == "before"


def test_a_file_that_is_no_model(run, season):
    done = run("predict", season / "images.csv", season / "images")
    assert done.exit_code == 1
    assert "is not a skwater model file" in done.stderr
