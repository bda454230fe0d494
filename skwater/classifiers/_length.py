"""How long to train: batch size and number of epochs, if the user leaves them to us."""

from math import ceil

_MIN_STEPS = 1000
_MIN_EPOCHS = 60


def choose_batch_size(batch_size, n_samples):
    """Return the number of sequences in a batch; "auto" is a twentieth of them, from 8 to 64."""
    if batch_size != "auto":
        return batch_size
    return min(max(8, n_samples // 20), 64)


def choose_max_epochs(max_epochs, n_samples, batch_size):
    """Return the number of epochs; "auto" gives enough steps and enough looks at each sequence."""
    if max_epochs != "auto":
        return max_epochs
    return max(_MIN_EPOCHS, ceil(_MIN_STEPS / ceil(n_samples / batch_size)))
