"""Hostile files: damaged and forged ones, what each may lead to, and `make fuzz`.

Run as a program, it feeds the three readers with new files for so many seconds, and prints the
slowest one of each and the memory that they took together.
"""

import contextlib
import io
import json
import os
import pickle
import random
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skwater
from skwater.datasets import load_manifest
from skwater.exceptions import ModelFileError
from skwater.persistence._container import pack, unpack
from skwater.sequences._headers import ImageError, read_header

MEGABYTE = 2**20
CODE = "open('executed', 'w').close()"


class Payload:
    """Executes code when it is unpickled."""

    def __reduce__(self):
        return exec, (CODE,)


# --- model files ---------------------------------------------------------------------------------


def make_models():
    """Two small fitted models, of a network and of scikit-learn, and sequences for them."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 4, 4, 4, 3)).astype(np.float32), np.arange(8) % 2
    network = skwater.ConvLSTMClassifier(
        hidden_channels=2, head_channels=(2,), pool_size=2, max_epochs=1, random_state=0
    )
    sampler = skwater.RSSResampler(6, random_state=np.random.RandomState(0))
    plain = skwater.EarlyDetector(
        skwater.make_pipeline(skwater.preprocessing.FrameScaler(), LogisticRegression()),
        one_model_per_date=True,
    )
    return [
        (skwater.make_pipeline(sampler, network).fit(X, y), X),
        (plain.fit(X[..., 0, 0, 0], y), X[..., 0, 0, 0]),
    ]


def bytes_of(model):
    """Bytes of the file of a model."""
    with tempfile.TemporaryDirectory() as folder:
        skwater.save(model, Path(folder) / "model")
        return (Path(folder) / "model").read_bytes()


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def flip_bits(data, rng):
    data = bytearray(data)
    end = min(rng.choice([8, 300, len(data)]), len(data))
    for _ in range(rng.choice([1, 1, 2, 8])):
        data[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(data)


def swap_parts(data, rng):
    n = min(rng.choice([1, 4, 8, 64, 512]), len(data) // 2)
    a, b = sorted(rng.randrange(len(data) - n) for _ in range(2))
    data = bytearray(data)
    data[a : a + n], data[b : b + n] = data[b : b + n], data[a : a + n]
    return bytes(data)


def insert_or_repeat(data, rng):
    a, b = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:b] + rng.choice([data[a:b], bytes(b - a)]) + data[b:]


def inflate_header(data, rng):
    size = rng.choice([2**62, 2**63, 2**32, 2**22, len(data), len(data) - 8, 0, 1])
    return size.to_bytes(8, "little") + data[8:]


def inflate_sizes(data, rng):
    """Larger shapes and offsets in the table of the arrays."""
    n = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + n])
    entry = table[rng.choice([name for name in table if name != "__metadata__"])]
    big = rng.choice([2**63 - 1, 2**64, 2**40, 10**30, -1, 1.5, None])
    entry[rng.choice(["shape", "data_offsets"])] = rng.choice([[big], [0, big], [big] * 20])
    header = json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + n :]


def put_pickle(data, rng):
    code = pickle.dumps(Payload(), protocol=rng.choice([0, 2, 4]))
    place = rng.choice([0, 8, rng.randrange(len(data)), len(data)])
    return rng.choice([code, data[:place] + code + data[place + len(code) :]])


def zip_bomb(data, rng):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in rng.sample(["schema.json", "data.pkl", "archive/data.pkl", "0.npy"], 2):
            archive.writestr(name, bytes(MEGABYTE))
    return rng.choice([file.getvalue(), data + file.getvalue(), data[:8] + file.getvalue()])


DAMAGES = [
    truncate,
    flip_bits,
    swap_parts,
    insert_or_repeat,
    inflate_header,
    inflate_sizes,
    put_pickle,
    zip_bomb,
]


def _nodes(tree):
    """Every (container, key) of a JSON tree."""
    keys = tree.keys() if isinstance(tree, dict) else range(len(tree))
    for key in list(keys):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _nodes(tree[key])


def _deep(n):
    return json.loads("[" * n + "]" * n)


VALUES = [
    None, True, -1, 0, 1, 2, 10**9, 2**63, 10**300, 0.5, 1e300, "", "a", "meta", "cuda", "mps",
    "builtins.exec", "os.system", "skwater.nn.ConvLSTMNet", "__class__", "nan", "|O8", "<U9", [],
    {}, [0], [10**9] * 3, [2] * 5000, {"tuple": [1] * 3000}, {"tuple": [10**6, 10**6]},
    {"array": "x", "dtype": "<f8", "shape": [2**40]}, {"strings": ["a" * 9999] + ["b"] * 9999},
    {"estimator": "os.system", "params": {}, "state": {}},
    {"estimator": "sklearn.pipeline.Pipeline", "params": {"steps": []}, "state": {}},
    {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {}, "state": {}},
    {"network": "Payload", "module": "hostile"}, {"network": "skwater.nn.CNNLSTMNet"},
    {"random_state": 1, "rest": [-(10**8), 0, 0.0]}, {"float": "1"}, {"slice": [0, 10**9, 0]},
    {"dict": [[{"dict": []}, 1]]}, {"scalar": "<i8", "value": 2**70}, {"objects": [[[]]]},
    {"dtype": "O"}, {"bunch": [["keys", 1]]}, _deep(50), _deep(400),
]  # fmt: skip


def forge(data, rng):
    """A file whose checksums are right, and whose model and arrays are not."""
    content, arrays = unpack(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        nodes = list(_nodes(content["model"]))
        container, key = rng.choice(nodes)
        action = rng.randrange(5)
        if action == 0:
            other, other_key = rng.choice(nodes)
            container[key] = json.loads(json.dumps(other[other_key]))
        elif action == 1 and isinstance(container, dict):
            value = container.pop(key)
            container[rng.choice(["predict", "__class__", "state", "x" * 200, "array"])] = value
        elif action == 2 and isinstance(container[key], int | float):
            container[key] = rng.choice([-1, 0, 1, 1000, 10**9, 2**62, -0.5, 1e30]) + 0
        elif action == 3:
            arrays = _forge_array(arrays, rng)
        else:
            container[key] = json.loads(json.dumps(rng.choice(VALUES)))
    return pack({"card": content["card"], "model": content["model"]}, arrays)


def _forge_array(arrays, rng):
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    changed = rng.choice(
        [
            array.reshape(-1)[: array.size // 2],
            np.zeros(array.shape, np.int8),
            np.full(array.shape, 2**31 - 1).astype(array.dtype),
            np.full((*array.shape, 0), 1.0),
            np.zeros((1, *array.shape), array.dtype),
        ]
    )
    return arrays | {name: np.ascontiguousarray(changed)}


def try_model(path, X, *, forged=False):
    """Load a file and predict. Returns None after an error that is allowed.

    A damaged file gives ModelFileError. A forged one may also give a model that answers anything,
    by numbers or by an ordinary error.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            with contextlib.suppress(ModelFileError):
                str(skwater.inspect(path))
            model = skwater.load(path)
        except ModelFileError as error:
            str(error)
            return None
        try:
            return model.predict_proba(X)
        except Exception:
            if forged:
                return None
            raise


# --- manifests and image headers -----------------------------------------------------------------

CELLS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["path", "plant", "date", "a.png", "../a.png", "/etc/passwd", "loop/loop/a.png", "a.png/.."]
    ),
    st.sampled_from(["2020-01-01", "2020-02-30", "1e999", "nan", "9" * 5000, "\0", '"', "\x1b[2J"]),
)
ROWS = st.lists(st.lists(CELLS, max_size=6).map(",".join), max_size=8)
MANIFESTS = st.one_of(
    st.binary(max_size=300),
    ROWS.map(lambda rows: "\n".join(rows).encode("utf-8", "replace")),
    ROWS.map(lambda rows: "\n".join(["path,plant,date,label", *rows]).encode("utf-8", "replace")),
)
STARTS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b""]
HEADERS = st.one_of(
    st.tuples(st.sampled_from(STARTS), st.binary(max_size=400)).map(b"".join),
    st.tuples(st.integers(0, 3), st.integers(0, 2**32)),
)


def make_images():
    """Bytes of a small PNG, two JPEGs and a TIFF, one with an orientation."""
    from PIL import Image

    image = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    exif = image.getexif()
    exif[274] = 6
    files = []
    for kind, options in [
        ("PNG", {"exif": exif}),
        ("JPEG", {"exif": exif}),
        ("JPEG", {"progressive": True}),
        ("TIFF", {}),
    ]:
        file = io.BytesIO()
        image.save(file, kind, **options)
        files.append(file.getvalue())
    return files


def try_header(data):
    """Read the header of an image: a size within the limit, or ImageError."""
    with contextlib.suppress(ImageError):
        header = read_header(data, max_pixels=10**6)
        assert 1 <= header.height * header.width <= 10**6
        assert header.depth in (8, 16)
        assert 1 <= header.orientation <= 8


def try_manifest(path):
    """Load a manifest: sequences of files inside its folder, or ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plants = load_manifest(path, size=(4, 4))
        except (ValueError, FileNotFoundError) as error:
            str(error)
            return
    root = os.path.realpath(path.parent)
    files = [file for file in plants.data.files.ravel() if file is not None]
    assert all(os.path.realpath(file).startswith(root) for file in files)


# --- the three readers ---------------------------------------------------------------------------


class Targets:
    """Hypothesis tests of the three readers; `folder` is where they put their files."""

    def __init__(self, folder, max_examples, *, derandomize=False):
        self.folder, self.slowest = Path(folder), {}
        self.models = [(bytes_of(model), X, model.predict_proba(X)) for model, X in make_models()]
        self.images = make_images()
        (self.folder / "a.png").write_bytes(self.images[0])
        with contextlib.suppress(OSError):
            (self.folder / "loop").symlink_to(self.folder)
        options = settings(
            max_examples=max_examples,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        self.all = {
            "model files": options(given(st.integers(0, 2**32))(self._model)),
            "manifests": options(given(MANIFESTS)(self._manifest)),
            "image headers": options(given(HEADERS)(self._header)),
        }

    @contextlib.contextmanager
    def _timed(self, name, what):
        start = time.perf_counter()
        yield
        taken = time.perf_counter() - start
        self.slowest[name] = max(self.slowest.get(name, (0, "")), (taken, what))

    def _model(self, seed):
        rng = random.Random(seed)
        self.try_one_model(rng.choice([*DAMAGES, *[forge] * len(DAMAGES)]), rng)

    def try_one_model(self, change, rng):
        """Change a model file, load it, and compare its predictions, if there are any."""
        data, X, expected = rng.choice(self.models)
        path = self.folder / "model"
        path.write_bytes(change(data, rng))
        with self._timed("model files", change.__name__):
            found = try_model(path, X, forged=change is forge)
        assert not Path("executed").exists()
        if found is not None and change is not forge:
            np.testing.assert_array_equal(found, expected)
        return found is not None

    def _manifest(self, data):
        path = self.folder / "manifest.csv"
        path.write_bytes(data)
        with self._timed("manifests", data[:40]):
            try_manifest(path)

    def _header(self, data):
        if isinstance(data, tuple):
            kind, seed = data
            rng = random.Random(seed)
            data = rng.choice([truncate, flip_bits, swap_parts])(self.images[kind], rng)
        with self._timed("image headers", data[:40]):
            try_header(data)


def peak_memory():
    """Megabytes that this process has had at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def try_models(n):
    """Try n changed model files, of all kinds in turn; return what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        targets, rng = Targets(folder, max_examples=1), random.Random(0)
        before, n_loaded = peak_memory(), 0
        for i in range(n):
            n_loaded += targets.try_one_model([*DAMAGES, forge][i % (len(DAMAGES) + 1)], rng)
        seconds, kind = targets.slowest["model files"]
    grown = peak_memory() - before
    return {"loaded": n_loaded, "grown": grown, "slowest": seconds, "kind": kind}


def main(seconds):
    with tempfile.TemporaryDirectory() as folder:
        targets, before = Targets(folder, max_examples=200), peak_memory()
        for name, target in targets.all.items():
            n, end = 0, time.monotonic() + seconds / len(targets.all)
            while time.monotonic() < end:
                target()
                n += 200
            slowest, what = targets.slowest[name]
            print(f"{name}: {n} files, the slowest took {slowest:.3f} s ({what})", flush=True)
        print(f"peak memory grew by {peak_memory() - before:.0f} MB")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
