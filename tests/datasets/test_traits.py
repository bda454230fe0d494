"""Trait tables: wide and long, as PlantCV and statgenHTP write them, and all that is refused."""

import csv
import pickle
import re
from datetime import datetime

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from skwater import ConvLSTMClassifier
from skwater.datasets import load_manifest, load_traits
from skwater.preprocessing import FrameWise
from skwater.sequences import missing_frames

DAYS = ("2024-05-01", "2024-05-03", "2024-05-10")
ROWS = [
    {"pot": pot, "day": day, "water": water, "treatment": group, "x": pot, "das": str(10 + 2 * t)}
    | {"area (cm2)": f"{10 * int(pot) + t}", "height": f"{t + 0.5 + (pot == '2')}"}
    for pot, water, group in (("1", "dry", "A"), ("2", "wet", "B"), ("10", "wet", "A"))
    for t, day in enumerate(DAYS)
]
AREA = [[10, 11, 12], [20, 21, 22], [100, 101, 102]]
COLUMNS = {"plant": "pot", "date": "day", "label": "water"}


@pytest.fixture
def write(tmp_path):
    """Write rows as a table; return its path."""

    def write(rows=ROWS, sep=","):
        path = tmp_path / "traits.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=sep)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def change(i, **values):
    """The rows with one of them changed."""
    return [row | values if k == i else row for k, row in enumerate(ROWS)]


def long(rows=ROWS, units=("cm2", "cm")):
    """Make long rows of wide ones."""
    traits = {"area": ("area (cm2)", units[0]), "height": ("height", units[1])}
    return [
        {name: row[name] for name in ("pot", "day", "water", "treatment")}
        | {"trait": trait, "value": row[column], "unit": unit}
        for row in rows
        for trait, (column, unit) in traits.items()
    ]


def test_wide(write):
    plants = load_traits(write(), **COLUMNS)
    assert plants.data.shape == (3, 3, 2)
    assert plants.data.dtype == np.float64
    assert plants.data[:, :, 0].tolist() == AREA
    assert plants.data[1, :, 1].tolist() == [1.5, 2.5, 3.5]
    assert plants.feature_names == ["area (cm2)", "height"]
    assert plants.units == ["cm2", None]
    assert plants.plant.tolist() == ["1", "2", "10"]
    assert plants.target.tolist() == ["dry", "wet", "wet"]
    assert plants.classes.tolist() == plants.target_names == ["dry", "wet"]
    assert plants.treatment.tolist() == ["A", "B", "A"]
    assert plants.days.tolist() == [0, 2, 9]
    assert plants.dates[0] == datetime(2024, 5, 1)
    assert plants.x.tolist() == ["1", "2", "10"]
    assert plants.das[0].tolist() == ["10", "12", "14"]


def test_long(write):
    plants = load_traits(write(long()), **COLUMNS, trait="trait", unit="unit")
    assert plants.feature_names == ["area", "height"]
    assert plants.units == ["cm2", "cm"]
    assert np.array_equal(plants.data, load_traits(write(), **COLUMNS).data)
    assert plants.treatment.tolist() == ["A", "B", "A"]
    assert "trait" not in plants


@pytest.mark.parametrize("form", ["wide", "long"])
def test_order_of_the_rows_is_no_matter(write, form):
    rows, more = (ROWS, {}) if form == "wide" else (long(), {"trait": "trait", "unit": "unit"})
    plants, again = (load_traits(write(r), **COLUMNS, **more) for r in (rows, rows[::-1]))
    assert np.array_equal(plants.data, again.data)
    assert plants.feature_names == again.feature_names
    assert plants.summary() == again.summary()


def test_traits_are_chosen_and_ordered_by_name(write):
    plants = load_traits(write(), **COLUMNS, traits=["height", "das"])
    assert plants.feature_names == ["height", "das"]
    assert plants.data[0].tolist() == [[0.5, 10], [1.5, 12], [2.5, 14]]
    assert plants["area (cm2)"][0].tolist() == ["10", "11", "12"]
    plants = load_traits(write(), **COLUMNS, traits={"height": "m", "area (cm2)": "dm2"})
    assert plants.units == ["m", "dm2"]
    plants = load_traits(write(long()), **COLUMNS, trait="trait", traits="height")
    assert plants.feature_names == ["height"]
    assert plants.data.shape == (3, 3, 1)


def test_row_numbers_are_no_trait(write):
    rows = [
        {"": str(3 * i), "X": str(i), "Unnamed: 0": str(2 * i), **row} for i, row in enumerate(ROWS)
    ]
    assert load_traits(write(rows), **COLUMNS).feature_names == ["area (cm2)", "height"]


def test_what_is_no_trait_by_itself_is_in_the_summary(write):
    text = load_traits(write(), **COLUMNS).summary()
    assert "remark: columns of numbers that are no traits unless named in traits=: x, das" in text


def test_without_labels(write):
    plants = load_traits(write(), plant="pot", date="day", label=None)
    assert plants.target is plants.classes is plants.target_names is None
    assert "no labels" in plants.summary()


def test_onset_and_start_as_in_load_manifest(write):
    plants = load_traits(write(), **COLUMNS, start="2024-04-30", onset_day="2024-05-03")
    assert plants.days.tolist() == [1, 3, 10]
    assert (plants.onset_day, plants.onset) == (3, 2)
    numbers = [row | {"day": row["das"]} for row in ROWS]
    with pytest.raises(ValueError, match="is a date, but the measurements have numbers"):
        load_traits(write(numbers), **COLUMNS, onset_day="2024-05-03")


def test_bunch_can_be_pickled(write):
    plants = load_traits(write(), **COLUMNS)
    assert pickle.loads(pickle.dumps(plants)).summary() == plants.summary()


def test_data_frame(write):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(write())
    plants = load_traits(frame, **COLUMNS)
    assert plants.data[:, :, 0].tolist() == AREA
    assert plants.plant.tolist() == ["1", "2", "10"]
    frame.loc[4, "height"] = np.inf
    with pytest.raises(ValueError, match="row 4: height: 'inf' is infinite"):
        load_traits(frame, **COLUMNS)
    frame["day"] = pandas.to_datetime(frame["day"])
    frame.loc[4, "height"] = np.nan
    plants = load_traits(frame, **COLUMNS, missing="keep")
    assert np.argwhere(np.isnan(plants.data)).tolist() == [[1, 1, 1]]


# Dates


def test_several_times_a_day_are_frames(write):
    times = [row | {"day": f"2024-05-01 {9 + i % 3:02}:30:00"} for i, row in enumerate(ROWS)]
    plants = load_traits(write(times), **COLUMNS)
    assert plants.dates[1] == datetime(2024, 5, 1, 10, 30)
    assert plants.data[:, :, 0].tolist() == AREA


def test_times_of_one_day_share_a_frame(write):
    times = [row | {"day": f"{row['day']}T{10 + i}:30"} for i, row in enumerate(ROWS)]
    plants = load_traits(write(times), **COLUMNS)
    assert plants.days.tolist() == [0, 2, 9]
    assert "measurements of one day share a frame" in plants.summary()


def test_grid_and_tolerance(write):
    rows = change(4, day="2024-05-04")
    assert load_traits(write(rows), **COLUMNS).days.tolist() == [0, 2, 3, 9]
    plants = load_traits(write(rows), **COLUMNS, tolerance=0.5)
    assert plants.days.tolist() == [0, 2.5, 9]
    plants = load_traits(write(rows), **COLUMNS, grid=["2024-05-02", "2024-05-04"], tolerance=1)
    assert plants.data[:, :, 0].tolist() == [row[:2] for row in AREA]
    assert "3 measurements are left out" in plants.summary()


def test_date_in_two_columns_and_plant_in_two(write):
    rows = [
        row | {"day": "01.05.2024", "time": f"{9 + i % 3}:00", "pot": "tray", "place": row["pot"]}
        for i, row in enumerate(ROWS)
    ]
    plants = load_traits(
        write(rows),
        plant=["pot", "place"],
        date=["day", "time"],
        label="water",
        date_format="%d.%m.%Y %H:%M",
    )
    assert plants.plant.tolist() == ["tray 1", "tray 10", "tray 2"]
    assert plants.data.shape == (3, 3, 2)


# Values that are missing


def test_row_without_any_value_is_a_missing_frame(write):
    for empty in ("", "NA", "NaN", "None"):
        plants = load_traits(write(change(4, **{"area (cm2)": empty, "height": empty})), **COLUMNS)
        assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert "missing frames: 1 of 9\n  2: 1\n  by class: 0.0% of dry, 16.7% of wet" in (
        plants.summary()
    )


def test_plant_without_a_row_on_a_date_has_a_missing_frame(write):
    plants = load_traits(write(ROWS[:4] + ROWS[5:]), **COLUMNS)
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]


@pytest.mark.parametrize("form", ["wide", "long", "long without the row"])
def test_missing_value_needs_a_choice(write, form):
    rows, more = change(4, height="NA"), {}
    if form != "wide":
        rows, more = long(rows), {"trait": "trait"}
        rows = [r for r in rows if r["value"] != "NA"] if "without" in form else rows
    path = write(rows)
    with pytest.raises(ValueError, match=r"1 frame of .*traits.csv have values of some") as caught:
        load_traits(path, **COLUMNS, **more)
    assert re.search(r"line \d+: plant 2, 2024-05-03: no height\n", str(caught.value))
    assert "missing='frame' takes" in str(caught.value)
    assert "missing='keep' keeps them for FrameWise(SimpleImputer())" in str(caught.value)
    plants = load_traits(path, **COLUMNS, **more, missing="frame")
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[1, 1]]
    assert "remark: 1 frame with values of some traits only, taken as missing" in plants.summary()
    plants = load_traits(path, **COLUMNS, **more, missing="keep")
    assert np.argwhere(np.isnan(plants.data)).tolist() == [[1, 1, 1]]
    assert "height: 0.5 to 3.5" in plants.summary()
    assert "missing in 1 frames that have other traits" in plants.summary()


def test_kept_values_are_refused_by_estimators_and_imputed_by_framewise(write):
    plants = load_traits(write(change(4, height="")), **COLUMNS, missing="keep")
    with pytest.raises(ValueError, match="sample 1, frame 1, channel 1"):
        ConvLSTMClassifier().fit(plants.data, plants.target)
    filled = FrameWise(SimpleImputer()).fit_transform(plants.data)
    assert np.isfinite(filled).all()


def test_missing_must_be_a_choice(write):
    with pytest.raises(ValueError, match="missing must be one of 'raise', 'frame', 'keep', got 0"):
        load_traits(write(), **COLUMNS, missing=0)


def test_trait_without_any_value(write):
    with pytest.raises(ValueError, match="has no value of none in any frame"):
        load_traits(write([r | {"none": "NA"} for r in ROWS]), **COLUMNS, traits=["height", "none"])


def test_many_incomplete_frames_are_counted(write):
    rows = [row | {"height": "" if row["pot"] != "1" else "1"} for row in [*ROWS]]
    rows += [row | {"pot": "3"} for row in rows[3:6]] + [row | {"pot": "4"} for row in rows[3:6]]
    with pytest.raises(ValueError, match=r"12 frames .*\n(  line .*\n){10}  ... and 2 more\n.*12"):
        load_traits(write(rows), **COLUMNS, traits=["area (cm2)", "height"])


# Rows that cannot be


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (change(4, height="tall"), "line 6: height: 'tall' is no number: leave cells without a"),
        (change(4, height="1,5"), "line 6: height: '1,5' is no number: write decimals with a po"),
        (change(4, height="1_5"), "line 6: height: '1_5' is no number"),
        (change(4, height="-inf"), "line 6: height: '-inf' is infinite: correct it, or leave"),
        (change(4, height="1e999"), "line 6: height: '1e999' is infinite"),
        (change(4, day="3 May"), "line 6: '3 May' is no date: an ISO day or time, or a number"),
        (change(4, day="7"), "line 6: 7 is a number, but 2024-05-01 of line 2 is a date"),
        (
            change(4, day="2024-05-01"),
            "line 6: plant 2 has a measurement on 2024-05-01 already, in line 5",
        ),
        (change(4, water="dry"), "line 6: plant 2 has the label 'dry', and 'wet' in line 5"),
        (change(4, water=""), "line 6: nothing in the column 'water'"),
        (change(4, water="NA"), "line 6: nothing in the column 'water'"),
        (change(4, pot=""), "line 6: nothing in the column 'pot'"),
        (change(4, pot="02"), "line 6: plant '02' is the same number as '2' in line 5: write it"),
        (change(4, pot="2.0"), "line 6: plant '2.0' is the same number as '2' in line 5"),
    ],
)
def test_bad_row(write, rows, message):
    with pytest.raises(ValueError, match=rf"(?s)1 entry of .*traits.csv.*{re.escape(message)}"):
        load_traits(write(rows), **COLUMNS)


def test_numbers_written_twice_are_an_error_in_manifests_too(tmp_path, write_image):
    write_image(tmp_path / "1.png")
    path = tmp_path / "images.csv"
    path.write_text("path,plant,date,label\n1.png,1,1,dry\n1.png,01,2,dry\n1.png,1E0,2,dry\n")
    with pytest.raises(ValueError, match=r"1 entry .*\n  line 3: plant '01' is the same number"):
        load_manifest(path)


def test_all_bad_rows_are_in_one_error(write):
    rows = [*change(0, height="x"), ROWS[3]]
    rows[7] = rows[7] | {"day": "?"}
    with pytest.raises(ValueError, match="3 entries of") as caught:
        load_traits(write(rows), **COLUMNS)
    lines = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]]
    assert sorted(lines) == ["line 11", "line 2", "line 9"]


def test_bad_rows_of_long_tables(write):
    rows = long()
    rows[3] = rows[3] | {"trait": "area"}
    with pytest.raises(
        ValueError, match="line 5: plant 1 has a measurement of area on 2024-05-03 already, in l"
    ):
        load_traits(write(rows), **COLUMNS, trait="trait")
    rows = long()
    rows[4] = rows[4] | {"unit": "mm2"}
    with pytest.raises(ValueError, match="line 6: area has the unit 'mm2', and 'cm2' in line 2"):
        load_traits(write(rows), **COLUMNS, trait="trait", unit="unit")
    with pytest.raises(ValueError, match=r"no trait 'mass' in the column 'trait' of .*'area', 'he"):
        load_traits(write(long()), **COLUMNS, trait="trait", traits=["mass"])
    rows = long()
    rows[2] = rows[2] | {"value": "x"}
    with pytest.raises(ValueError, match="line 4: area: 'x' is no number"):
        load_traits(write(rows), **COLUMNS, trait="trait")


def test_a_long_table_read_as_a_wide_one_says_so(write):
    with pytest.raises(ValueError, match="If it is the name of the trait: trait='trait'"):
        load_traits(write(long()), **COLUMNS)
    with pytest.raises(ValueError, match="unit='unit' is for long tables"):
        load_traits(write(long()), **COLUMNS, unit="unit")


def test_decimal_commas_do_not_move_cells(write):
    path = write()
    path.write_text(path.read_text().replace("2.5", "2,5"))
    with pytest.raises(ValueError, match=r"line 4: more cells than the header has names \('5' at"):
        load_traits(path, **COLUMNS)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"plant": "plant"}, "line 1, has no column 'plant': it has 'pot', .*plant=, date=, trai"),
        ({"traits": ["area"]}, "has no column 'area'"),
        ({"traits": ["height", "height"]}, "traits= has 'height' twice"),
        ({"traits": ["height", "water"]}, "traits= has 'water', which is no trait"),
        ({"traits": []}, "traits= has no name"),
        ({"view": "angle"}, "has no column 'angle'"),
        ({"treatment": "genotype"}, "has no column 'genotype'"),
        ({"trait": "trait"}, "has no column 'trait', 'value'"),
    ],
)
def test_unknown_columns(write, more, message):
    with pytest.raises(ValueError, match=message):
        load_traits(write(), **COLUMNS | more)


def test_grid_that_no_date_is_near(write):
    with pytest.raises(ValueError, match=r"has no value of .* in any frame: .* correct grid= and"):
        load_traits(write(), **COLUMNS, grid=["2023-01-01"])


def test_class_of_the_name_none_is_legal(write):
    rows = [row | {"water": row["water"].replace("wet", "None")} for row in ROWS]
    assert load_traits(write(rows), **COLUMNS).classes.tolist() == ["None", "dry"]


def test_no_column_is_a_trait(write):
    rows = [row | {"area (cm2)": "1", "height": "x"} for row in ROWS]
    with pytest.raises(ValueError, match=r"No column of .*traits.csv has numbers that change"):
        load_traits(write(rows), **COLUMNS)


def test_empty_table(tmp_path):
    path = tmp_path / "traits.csv"
    path.write_text("pot,day,water,area\n")
    with pytest.raises(FileNotFoundError, match="There is no measurement in"):
        load_traits(path, **COLUMNS)


def test_separators_and_encodings(write):
    path = write(sep=";")
    with pytest.raises(ValueError, match="sep=';'"):
        load_traits(path, **COLUMNS)
    path.write_text(path.read_text().replace("dry", "dürr"), encoding="latin-1")
    with pytest.raises(ValueError, match="encoding='latin-1'"):
        load_traits(path, **COLUMNS, sep=";")
    plants = load_traits(path, **COLUMNS, sep=";", encoding="latin-1")
    assert plants.target.tolist() == ["dürr", "wet", "wet"]


def test_warning_if_most_frames_are_missing(write):
    rows = [row | {"day": f"{row['day']}T{8 + i:02}:00"} for i, row in enumerate(ROWS)]
    rows.append(rows[0] | {"day": "2024-05-01T20:00"})
    with pytest.warns(UserWarning, match=r"20 of 30 frames are missing.*tolerance=") as caught:
        load_traits(write(rows), **COLUMNS)
    assert caught[0].filename == __file__


def test_summary(write):
    text = load_traits(write(ROWS[:-1]), **COLUMNS, onset_day=2).summary()
    for part in (
        "3 plants x 3 frames of 2 traits\n  area (cm2): 10 to 101 cm2\n  height: 0.5 to 3.5\n",
        "dates: 2024-05-01 to 2024-05-10; each date is a frame",
        "onset of stress: after day 2, 2 of 3 frames before",
        "missing frames: 1 of 9\n  10: 1\n",
        "  on day 9: 0.0% of dry, 50.0% of wet\n",
        "classes: 1 dry, 2 wet",
        "treatment A: 1 dry, 1 wet",
    ):
        assert part in text


def test_column_that_separates_the_classes_is_in_the_summary(write):
    rows = [row | {"pot": f"{k}{row['pot']}"} for row in ROWS for k in "pq"]
    rows = [row | {"camera": row["water"], "site": "one"} for row in rows]
    text = load_traits(write(rows), **COLUMNS).summary()
    assert "remark: no value of 'camera' occurs in two classes" in text
    assert "'site'" not in text


# Tables of other software. Rows are made up in its format.

PLANTCV = """\
"camera","imgtype","zoom","rotation","timestamp","id","barcode","treatment","image","sample",\
"area_pixels","solidity_none","hue_circular_mean_degrees","in_bounds_none"
"SV","VIS",1,0,2023-04-14 19:09:07,"None","B1","None","1.png","default",119,0.9,120.5,1
"SV","VIS",1,90,2023-04-14 19:09:07,"None","B1","None","2.png","default",110,0.8,121,1
"SV","VIS",1,0,2023-04-14 19:20:01,"None","B2","None","3.png","default",95,0.7,119,1
"SV","VIS",1,90,2023-04-14 19:20:01,"None","B2","None","4.png","default",90,NA,118,1
"SV","VIS",1,0,2023-04-15 00:10:00,"None","B1","None","5.png","default",150,0.9,120,1
"SV","VIS",1,90,2023-04-15 00:10:00,"None","B1","None","6.png","default",140,0.8,121,1
"SV","VIS",1,0,2023-04-15 00:21:00,"None","B2","None","7.png","default",130,0.7,119,1
"SV","VIS",1,90,2023-04-15 00:21:00,"None","B2","None","8.png","default",120,0.6,118,1
"""


def test_plantcv(tmp_path):
    path = tmp_path / "single-value-traits.csv"
    path.write_text(PLANTCV)
    columns = {"plant": "barcode", "date": "timestamp", "label": None}
    with pytest.raises(ValueError, match=r"(?s)4 entries .*already.*view='rotation'"):
        load_traits(path, **columns)
    plants = load_traits(path, **columns, view="rotation", tolerance=0.05, missing="frame")
    assert plants.feature_names == [
        f"{trait} [rotation {angle}]"
        for angle in (0, 90)
        for trait in ("area_pixels", "solidity_none", "hue_circular_mean_degrees")
    ]
    assert plants.units == ["pixels", None, "degrees"] * 2
    assert plants.data[:, :, 0].tolist()[0] == [119, 150]
    assert np.isnan(plants.data[1, 0]).all()
    assert plants.data[1, 1].tolist() == [130, 0.7, 119, 120, 0.6, 118]
    assert plants.treatment is None  # "None" for all plants
    assert plants.image[0].tolist() == ["1.png; 2.png", "5.png; 6.png"]
    assert "no traits unless named in traits=: in_bounds_none" in plants.summary()
    loaded = load_traits(path, **columns, view="rotation", traits=["area_pixels"], tolerance=0.05)
    assert loaded.data.shape == (2, 2, 2)


STATGEN = """\
"Genotype","Basin","Replicate","x","y","timepoints","EffpsII","pos","Scenario"
"check1",1,2,10,1,2018-06-01 16:37:00,0.641,"c10r1","WW"
"check1",1,2,10,1,2018-06-02 09:07:00,0.657,"c10r1","WW"
"check1",1,2,10,1,2018-06-02 11:37:00,NA,"c10r1","WW"
"2385",1,2,11,1,2018-06-01 16:37:00,0.65,"c11r1","WD"
"2385",1,2,11,1,2018-06-02 09:07:00,0.64,"c11r1","WD"
"2385",1,2,11,1,2018-06-02 11:37:00,0.63,"c11r1","WD"
"""


def test_statgenhtp(tmp_path):
    path = tmp_path / "phenovator.csv"
    path.write_text(STATGEN)
    plants = load_traits(
        path, plant="pos", date="timepoints", label="Scenario", treatment="Genotype"
    )
    assert plants.feature_names == ["EffpsII"]
    assert plants.data.shape == (2, 3, 1)
    assert plants.dates[1] == datetime(2018, 6, 2, 9, 7)
    assert np.argwhere(missing_frames(plants.data)).tolist() == [[0, 2]]
    assert plants.treatment.tolist() == ["check1", "2385"]
    assert plants.Basin.tolist() == ["1", "1"]


# Real tables, as they are


def test_real_table_of_arabidopsis(test_data):
    plants = load_traits(
        test_data / "traits" / "arabidopsis_traits_daily.csv",
        plant="plant",
        date="day",
        label="Treatment",
    )
    assert plants.data.shape == (45, 15, 10)
    assert plants.feature_names[0] == "area"
    assert missing_frames(plants.data).sum() == 4
    assert "15 Control, 15 Stress_1week, 15 Stress_2week" in plants.summary()
    assert "no value of 'camera' occurs in two classes" in plants.summary()


def test_real_table_of_plantcv(test_data):
    table = test_data / "traits" / "plantcv4_single_value_traits.csv"
    columns = {"plant": "barcode", "date": "timestamp", "label": None, "view": "rotation"}
    with pytest.raises(ValueError, match=r"106 frames of .* have values of some traits only"):
        load_traits(table, **columns, tolerance=0.3)
    plants = load_traits(table, **columns, tolerance=0.3, missing="frame")
    assert plants.data.shape == (103, 21, 48)
    assert plants.units[:2] == ["pixels", "pixels"]
    assert np.isnan(plants.data).any(axis=2).tolist() == missing_frames(plants.data).tolist()


def test_real_table_of_phenoarch(test_data):
    plants = load_traits(
        test_data / "phenoarch" / "traits_development.csv",
        plant="plant",
        date="day",
        label="label",
        traits={"LeafArea": "m2", "PlantHeight": "mm"},
        treatment="genotype",
        missing="frame",
    )
    assert plants.data.shape == (888, 33, 2)
    assert plants.units == ["m2", "mm"]
    assert len(np.unique(plants.treatment)) == 45
    assert "on day 15: 38.1% of WD, 28.4% of WW" in plants.summary()
