"""Contenders in a process each, timed in turn: what a noisy machine does to one it does to all."""

import argparse
import json
import multiprocessing
import platform
import time
from pathlib import Path

import numpy as np


def compare(build, contenders, cases, *, n_rounds, threads, warm=False, clock=time.perf_counter):
    """Time the actions of all contenders in interleaved rounds.

    Parameters
    ----------
    build : callable
        ``build(contender, case, threads)`` returns a dict of actions without arguments. The first
        is the one whose memory is measured; one of the name "peak memory", which returns MB, takes
        the place of the memory of the process.
    contenders, cases : sequence of str or int
        Names or sizes. The first contender is what the others are compared with.
    n_rounds : int
        Rounds that count, after two that do not.
    threads : int
        Threads of each contender.
    warm : bool, default=False
        Do each action once more right before it is timed: after the turns of the others a process
        finds its caches cold, which weighs most on what is short.
    clock : callable, default=time.perf_counter
        Returns seconds; :func:`time.process_time` counts those of the CPU.

    Returns
    -------
    list of dict
        For each case, contender and action the seconds of each round and their median, the median
        of the ratios of each round and their extremes, and the peak memory in MB.
    """
    rows = []
    context = multiprocessing.get_context("spawn")
    for case in cases:
        workers = {}
        for contender in contenders:
            ours, theirs = context.Pipe()
            job = context.Process(
                target=_work,
                args=(theirs, build, contender, case, threads, warm, clock),
                daemon=True,
            )
            job.start()
            theirs.close()  # so that the end of a contender by an error ends the run
            workers[contender] = ours, job
        actions = {name: pipe.recv() for name, (pipe, _) in workers.items()}
        for action in actions[contenders[0]]:
            taking_part = [name for name in contenders if action in actions[name]]
            seconds = np.array(
                [
                    [_ask(workers[name][0], action) for name in taking_part]
                    for _ in range(2 + n_rounds)
                ]
            )[2:]
            ratios = seconds[:, :1] / seconds
            for i, name in enumerate(taking_part):
                rows.append(
                    {
                        "case": case,
                        "contender": name,
                        "action": action,
                        "seconds": float(np.median(seconds[:, i])),
                        "each_round": seconds[:, i].tolist(),
                        "ratio": float(np.median(ratios[:, i])),
                        "lowest": float(ratios[:, i].min()),
                        "highest": float(ratios[:, i].max()),
                        "peak_mb": _ask(workers[name][0], "peak memory"),
                    }
                )
        for pipe, job in workers.values():
            pipe.send(None)
            job.join()
    return rows


def _ask(pipe, action):
    pipe.send(action)
    return pipe.recv()


def _work(pipe, build, contender, case, threads, warm, clock):
    """Do what the pipe asks for, in a process of its own."""
    actions, peak = build(contender, case, threads), None
    Path("/proc/self/clear_refs").write_text("5")  # the peak of the building does not count
    before = memory("VmRSS")
    measure_peak = actions.pop("peak memory", lambda: memory("VmHWM") - before)
    pipe.send(list(actions))
    while (action := pipe.recv()) is not None:
        if action == "peak memory":
            peak = measure_peak() if peak is None else peak  # of the first action
            pipe.send(peak)
            continue
        if warm:
            actions[action]()
        start = clock()
        actions[action]()
        pipe.send(clock() - start)


def memory(name, process="self"):
    """Memory of a process in MB; Linux only."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def arguments(doc, *switches, rounds=7):
    """Arguments that all benchmarks have, and switches of one."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder for the JSON file and the figure")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", nargs="*", help="only these")
    for switch in switches:
        parser.add_argument(switch, action="store_true")
    return parser.parse_args()


def report(name, rows, options, **more):
    """Print a table; write the JSON file and the figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    print(f"{'':44}{'ms':>8}{'ratio':>8}  (lowest to highest){'peak MB':>9}")
    for row in rows:
        label = f"{row['case']:10} {row['action']:10} {row['contender']:22}"
        spread = f"({row['lowest']:.2f} to {row['highest']:.2f})"
        print(
            f"{label:44}{1e3 * row['seconds']:8.1f}{row['ratio']:8.2f}  {spread:19}"
            f"{row['peak_mb']:9.0f}"
        )
    write_json(name, rows, options, **more)

    rows = rows[::-1]  # bars are drawn from below
    _, ax = plt.subplots(figsize=(7, 0.6 + 0.25 * len(rows)), layout="constrained")
    y, ratio = np.arange(len(rows)), np.array([row["ratio"] for row in rows])
    low, high = (np.array([row[key] for row in rows]) for key in ("lowest", "highest"))
    ax.barh(y, ratio, xerr=(ratio - low, high - ratio), color="tab:green", ecolor="0.4")
    ax.set_yticks(y, [f"{r['case']}, {r['action']}: {r['contender']}" for r in rows])
    ax.axvline(1, color="0.2", lw=1)
    ax.set_xlabel(f"speed, {rows[-1]['contender']} = 1")
    plt.savefig(options.results / f"{name}.png", dpi=120)


def write_json(name, rows, options, **more):
    """Write what was measured, and on what."""
    options.results.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    about = {"machine": machine, "rounds": options.rounds, "threads": options.threads, **more}
    text = json.dumps({**about, "rows": rows}, indent=1)
    (options.results / f"{name}.json").write_text(text + "\n")
