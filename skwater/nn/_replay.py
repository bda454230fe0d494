"""Functions of tensors that a GPU replays: to launch their kernels one by one takes longer."""

import torch


class Replay:
    """Calls a function of tensors; what it does on a GPU is recorded, and replayed from then on.

    The function may write other tensors, always the same ones. What it does must depend on the
    shapes of its arguments only, which are those of the first call, and it must not wait for the
    GPU. An argument may be None.
    """

    def __init__(self):
        self._recordings = {}

    def __call__(self, function, *arguments):
        """Return the results of the function, a tuple of tensors; they are new ones each time."""
        tensors = [argument for argument in arguments if argument is not None]
        if not (tensors and tensors[0].is_cuda):
            return function(*arguments)
        given = tuple(argument is not None for argument in arguments)
        if given not in self._recordings:  # libraries choose their kernels in the first call
            self._recordings[given] = None
            return function(*arguments)
        if self._recordings[given] is None:
            self._recordings[given] = _Recording(function, arguments)
        return self._recordings[given](arguments)


class _Recording:
    """A CUDA graph, and the tensors that it reads and writes."""

    def __init__(self, function, arguments):
        self._arguments = [None if a is None else a.clone() for a in arguments]
        self._graph = torch.cuda.CUDAGraph()
        with (
            torch.cuda.device(next(a.device for a in arguments if a is not None)),
            torch.cuda.graph(self._graph, capture_error_mode="thread_local"),
        ):
            self._results = function(*self._arguments)

    def __call__(self, arguments):
        for own, given in zip(self._arguments, arguments, strict=True):
            if own is not None:
                own.copy_(given)
        self._graph.replay()
        return tuple(None if r is None else r.clone() for r in self._results or ())
