"""The folder holds the simulated plants, as the loader reads them."""

import numpy as np
import pytest

from skwater.datasets import load_manifest, make_image_folder, make_water_stress

pytest.importorskip("cv2")


def test_images_are_those_of_make_water_stress(tmp_path):
    csv = make_image_folder(tmp_path / "a", n_plants=6, size=12, random_state=3)
    expected = make_water_stress(
        6, 5, 12, days=[14, 21, 28, 35, 42], stressed_fraction=0.4, random_state=3
    )
    plants = load_manifest(csv, start="2025-05-01", onset_day=28)
    np.testing.assert_array_equal(np.asarray(plants.data), expected.data)
    assert (plants.target == "dry").tolist() == expected.target.astype(bool).tolist()
    assert plants.days.tolist() == [14, 21, 28, 35, 42]
    assert plants.onset == 3
    assert len(np.unique(plants.treatment)) == 2


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty: name another one"):
        make_image_folder(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
