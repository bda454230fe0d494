"""The folder in which the code blocks of the documentation run: images, tables and checksums."""

import csv
import datetime
import hashlib
from pathlib import Path

import cv2

from skwater.datasets import make_water_stress
from skwater.preprocessing import CanopyCover

SOWING = datetime.date(2024, 5, 1)


def write_csv(path, header, rows):
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def fill(root):
    """Write into a folder what the pages read.

    * ``images/<label>/<plant>/<date>.png``: 12 plants on 6 dates, one image missing
    * ``images.csv``: the same as a table with the columns path, plant, date, label, treatment
    * ``sha256sums.txt``: their checksums
    * ``new_images/<plant>/<date>.png``: two plants until the fourth date
    * ``traits.csv``: pot, date, water, area and greenness
    """
    made = make_water_stress(12, n_frames=6, days=[21, 25, 28, 32, 36, 39], size=32, random_state=0)
    cover = CanopyCover().fit_transform(made.data)
    dates = [SOWING + datetime.timedelta(days=int(day)) for day in made.days]
    images, traits = [], []
    for i, plant in enumerate(made.data):
        name, label = f"plant{i + 1:02}", "dry" if made.target[i] else "wet"
        for t, frame in enumerate(plant):
            date, image = dates[t].isoformat(), frame[..., ::-1]
            traits.append([name, date, label, cover[i, t], frame[..., 1].mean()])
            if (i, t) == (3, 2):
                continue
            path = root / "images" / label / name / f"{date}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
            file = path.relative_to(root).as_posix()
            images.append([file, name, date, label, made.treatment[i]])
            if i < 2 and t < 4:
                new = root / "new_images" / name / f"{date}.png"
                new.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(new), image)
    write_csv(root / "images.csv", ["path", "plant", "date", "label", "treatment"], images)
    write_csv(root / "traits.csv", ["pot", "date", "water", "area", "greenness"], traits)
    sums = [
        f"{hashlib.sha256((root / row[0]).read_bytes()).hexdigest()}  {row[0]}" for row in images
    ]
    (root / "sha256sums.txt").write_text("\n".join(sums) + "\n", encoding="utf-8")
