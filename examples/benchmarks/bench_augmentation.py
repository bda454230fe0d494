"""Frames per second of augmentation, for several ways to share one draw among all frames.

The default transform on sequences of 16 frames of 224 x 224 x 3. The ways take turns, in rounds,
so that a busy machine slows all of them; medians over rounds, and of the ratios within rounds.
Prints a table, then JSON. Takes some twenty seconds on two cores.
"""

import json
import statistics
import time

import cv2
import numpy as np

from skwater.augmentation import Augmenter, augment_sequences, default_transform

N_FRAMES, SIZE, N_SEQUENCES, N_ROUNDS = 16, 224, 4, 15
X = np.random.default_rng(0).integers(
    256, size=(N_SEQUENCES, N_FRAMES, SIZE, SIZE, 3), dtype=np.uint8
)


def replay_compose():
    """Draw on the first frame, replay on the others, as albumentations documents it."""
    import albumentations

    transform = albumentations.ReplayCompose(default_transform().transforms)

    def run(sequence):
        first = transform(image=sequence[0])
        others = [transform.replay(first["replay"], image=x)["image"] for x in sequence[1:]]
        return np.stack([first["image"], *others])

    return run


def images_target():
    """Give all frames as the target `images`."""
    transform = default_transform()
    return lambda sequence: transform(images=sequence)["images"]


def named_targets():
    """Do what the classifiers do with a transform of the user's: one named target a frame."""
    augmenter = Augmenter(default_transform(), X)
    seeds = iter(range(2**31))
    return lambda sequence: augmenter(sequence, next(seeds))


def bare_opencv():
    """Warp with one fixed matrix, no flips and no draws: a bound."""
    matrix = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), 7, 1.02)

    def run(sequence):
        result = np.empty_like(sequence)
        for frame, out in zip(sequence, result, strict=True):
            cv2.warpAffine(frame, matrix, (SIZE, SIZE), out, borderMode=cv2.BORDER_REFLECT_101)
        return result

    return run


def skwater():
    """Do what the classifiers do with augment="default"."""
    augmenter = Augmenter("default", X)
    seeds = iter(range(2**31))
    return lambda sequence: augmenter(sequence, next(seeds))


WAYS = (skwater, named_targets, replay_compose, images_target, bare_opencv)


def frames_per_second(run):
    """Rate over all sequences."""
    start = time.perf_counter()
    for sequence in X:
        run(sequence)
    return N_SEQUENCES * N_FRAMES / (time.perf_counter() - start)


def main():
    """Measure and print."""
    ways = {f.__name__: f() for f in WAYS}
    for run in ways.values():
        frames_per_second(run)
    rounds = [{name: frames_per_second(run) for name, run in ways.items()} for _ in range(N_ROUNDS)]
    report = {
        name: {
            "frames_per_second": round(statistics.median(r[name] for r in rounds)),
            "times_replay_compose": round(
                statistics.median(r[name] / r["replay_compose"] for r in rounds), 2
            ),
        }
        for name in ways
    }
    print(f"{'':16}{'frames/s':>10}{'x ReplayCompose':>18}")
    for name, row in report.items():
        print(f"{name:16}{row['frames_per_second']:10}{row['times_replay_compose']:18}")
    print(json.dumps(report))
    same = augment_sequences(np.repeat(X[:1, :1], 2, axis=1), random_state=0)
    assert np.array_equal(same[:, 0], same[:, 1]), "one draw a sequence"


if __name__ == "__main__":
    main()
