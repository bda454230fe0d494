"""How long to train: batch size and number of epochs, if the user leaves them to us."""

from math import ceil

# At least as many optimizer steps and looks at each sequence. An image costs a thousand times as
# much as a vector, and the networks learn more from each.
_FOR_VECTORS = {"steps": 1000, "epochs": 60}
_FOR_IMAGES = {"steps": 200, "epochs": 20}


def choose_batch_size(batch_size, n_samples):
    """Return the number of sequences in a batch; "auto" is a twentieth of them, from 8 to 64."""
    if batch_size != "auto":
        return batch_size
    return min(max(8, n_samples // 20), 64)


def choose_max_epochs(max_epochs, n_samples, batch_size, frame_size):
    """Return the number of epochs; "auto" gives enough steps and enough looks at each sequence."""
    if max_epochs != "auto":
        return max_epochs
    least = _FOR_VECTORS if frame_size == (1, 1) else _FOR_IMAGES
    return max(least["epochs"], ceil(least["steps"] / ceil(n_samples / batch_size)))
