import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover

# Mean canopy cover of the Eschikon boxes, watered and drying, from day 12 on.
WATERED = [0.028, 0.029, 0.110, 0.152, 0.357, 0.553, 0.737, 0.819]
WATERED += [0.904, 0.902, 0.935, 0.960, 0.957, 0.945, 0.895]
DRYING = [0.024, 0.026, 0.104, 0.122, 0.288, 0.452, 0.629, 0.712]
DRYING += [0.770, 0.679, 0.618, 0.576, 0.536, 0.756, 0.895]


@pytest.fixture(scope="module")
def plants():
    return make_water_stress(n_plants=120, size=32, random_state=0)


@pytest.fixture(scope="module")
def measured(plants):
    return CanopyCover().fit_transform(plants.data)


def test_default_call_is_complete_and_fast():
    start = time.process_time()
    plants = make_water_stress(random_state=0)
    assert time.process_time() - start < 6  # about 1 on an idle machine
    assert plants.data.shape == (30, 16, 64, 64, 3)
    assert plants.data.dtype == np.uint8
    assert plants.target.sum() == 9
    np.testing.assert_array_equal(plants.treatment, np.arange(30) // 3)
    np.testing.assert_array_equal(plants.plant, np.arange(30))
    assert plants.days[-1] == 70
    assert plants.target_names == ["watered", "water-stressed"]
    assert "SIMULATED" in plants.DESCR


def test_treatments_share_watering_and_nitrogen(plants):
    for treatment in np.unique(plants.treatment):
        members = plants.treatment == treatment
        assert len(set(plants.target[members])) == 1
        assert len(set(plants.nitrogen[members])) == 1
    assert set(plants.nitrogen) == {"high", "medium", "low"}


@pytest.mark.parametrize(("target", "real"), [(0, WATERED), (1, DRYING)])
def test_measured_cover_follows_the_real_curves(plants, measured, target, real):
    error = measured[plants.target == target].mean(axis=0)[1:] - real
    assert np.sqrt(np.mean(error**2)) < 0.05


def test_true_cover_is_what_the_images_show(plants, measured):
    assert np.abs(measured - plants.cover).mean() < 0.01
    assert (plants.cover[:, 0] == 0).all()  # sown that day


def test_cover_separates_late_and_not_before_the_onset(plants, measured):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    def score(days):
        X = measured[:, plants.days <= days]
        return cross_val_score(
            model, X, plants.target, cv=folds, scoring="balanced_accuracy"
        ).mean()

    assert score(28) < 0.62
    assert score(70) > 0.9


@pytest.mark.parametrize(("onset_day", "onset"), [(28, 3), (27.5, 2), (-1, None), (100, 4)])
def test_onset_in_frames(onset_day, onset):
    days = [0, 20, 28, 35]
    plants = make_water_stress(2, 4, 16, days=days, onset_day=onset_day, random_state=0)
    assert plants.onset == onset


def test_before_the_onset_a_stressed_plant_is_a_watered_one():
    dry = make_water_stress(6, 7, 16, stressed_fraction=1, onset_day=28, random_state=3)
    wet = make_water_stress(6, 7, 16, stressed_fraction=0, onset_day=28, random_state=3)
    before = dry.days <= 28
    np.testing.assert_array_equal(dry.nitrogen, wet.nitrogen)
    np.testing.assert_array_equal(dry.data[:, before], wet.data[:, before])
    after = (dry.days > 28) & (dry.days < 53)
    assert after.any()
    assert (dry.cover[:, after] < wet.cover[:, after]).all()


def test_drought_pales_leaves():
    def red_to_green(stressed_fraction):
        images = make_water_stress(
            6, 1, 32, days=[50], stressed_fraction=stressed_fraction, random_state=0
        ).data.astype(float)
        leaf = 3 * images[..., 1] > 1.1 * images.sum(axis=-1)
        return images[leaf, 0].mean() / images[leaf, 1].mean()

    assert red_to_green(1) > 1.15 * red_to_green(0)


def test_low_nitrogen_means_smaller_plants(plants):
    day = list(plants.days).index(25)
    cover = {
        level: plants.cover[plants.nitrogen == level, day].mean()
        for level in ("high", "medium", "low")
    }
    assert cover["high"] > cover["medium"] > cover["low"]


def test_each_date_has_its_own_light():
    soil = make_water_stress(8, 4, 16, days=[0, 1, 2, 3], random_state=0).data.mean(axis=(2, 3, 4))
    of_date = soil.mean(axis=0)
    assert of_date.std() > (soil - of_date).std()


def test_same_seed_same_plants_and_global_state_untouched():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 (it must not change)
    first = make_water_stress(4, 3, 16, random_state=7)
    again = make_water_stress(4, 3, 16, random_state=np.random.RandomState(7))
    other = make_water_stress(4, 3, 16, random_state=8)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(first.data, again.data)
    assert (first.data != other.data).any()


def test_more_frames_show_the_same_plants():
    short = make_water_stress(4, 2, 16, days=[20, 30], random_state=0)
    long = make_water_stress(4, 3, 16, days=[20, 30, 40], random_state=0)
    np.testing.assert_array_equal(short.data, long.data[:, :2])


def test_size_does_not_change_the_plants():
    small = make_water_stress(4, 3, 32, random_state=0)
    large = make_water_stress(4, 3, 96, random_state=0)
    np.testing.assert_allclose(small.cover, large.cover, atol=2e-3)
    shrunk = large.data.reshape(4, 3, 32, 3, 32, 3, 3).mean(axis=(3, 5))
    assert np.abs(shrunk - small.data).mean() < 12


@pytest.mark.parametrize("size", [1, 2, 33])
@pytest.mark.parametrize("n_frames", [1, 2])
def test_any_size_and_number_of_frames(size, n_frames):
    plants = make_water_stress(2, n_frames, size, random_state=0)
    assert plants.data.shape == (2, n_frames, size, size, 3)
    assert plants.cover[:, -1].min() > 0.5  # day 70
    assert plants.data.std() > 0


def test_one_pixel_still_shows_growth():
    images = make_water_stress(3, 16, 1, random_state=0).data[:, :, 0, 0].astype(float)
    greenness = 3 * images[..., 1] / images.sum(axis=-1) - 1
    assert (greenness[:, -1] > greenness[:, 0] + 0.1).all()


@pytest.mark.parametrize("missing", [0.3, 0.999])
def test_missing_images(missing):
    whole = make_water_stress(12, 10, 8, random_state=0)
    holed = make_water_stress(12, 10, 8, missing=missing, random_state=0)
    is_missing = np.isnan(holed.data).all(axis=(2, 3, 4))
    assert holed.data.dtype == np.float32
    assert not is_missing.all(axis=1).any()
    assert abs(is_missing.mean() - min(missing, 0.9)) < 0.12
    np.testing.assert_array_equal(holed.data[~is_missing], whole.data[~is_missing])
    assert np.isfinite(holed.cover).all()
    assert f":missing images: {is_missing.sum()}" in holed.DESCR


@pytest.mark.parametrize(
    ("n_plants", "fraction", "expected"),
    [(1, 0.3, 0), (2, 0.3, 1), (4, 0.01, 2), (9, 0.99, 6), (9, 0, 0), (9, 1, 9), (30, 0.5, 15)],
)
def test_how_many_are_stressed(n_plants, fraction, expected):
    _, target = make_water_stress(
        n_plants, 1, 1, stressed_fraction=fraction, random_state=0, return_X_y=True
    )
    assert target.shape == (n_plants,)
    assert target.sum() == expected


@pytest.mark.parametrize(
    "days", [[1, 2], [1, 2, 2], [3, 2, 1], [1, np.nan, 3], ["a", "b", "c"], [[1], [2], [3]]]
)
def test_illegal_days(days):
    with pytest.raises(
        ValueError, match=r"days must be 3 increasing numbers.*n_frames=3, got array"
    ):
        make_water_stress(3, 3, 8, days=days)


@pytest.mark.parametrize(
    "argument", [{"size": 0}, {"n_plants": 0}, {"n_frames": 0}, {"missing": 1.0}]
)
def test_illegal_arguments_are_named(argument):
    with pytest.raises(ValueError, match=f"'{next(iter(argument))}' parameter"):
        make_water_stress(**argument)
