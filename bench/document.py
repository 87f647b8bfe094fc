# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md, from the results alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from bench import clusters, control_plane, fronts, hosts
from bench.configuration import SERIES
from bench.contenders import CORE_K8S, OURS, OURS_PLAYBOOK, STEPS
from bench.results import Results
from bench.summary import Summary, megabytes, ratio, seconds, summarize
from bench.targets import targets

_STEP_TITLES = {
    "create": "create",
    "unchanged": "unchanged",
    "plan": "plan of 10 changes",
    "change": "change 10",
    "prune": "prune 50",
    "fresh": "fresh to done",
    "cold": "unchanged, nothing cached",
    "first": "from nothing",
    "again": "unchanged",
    "other": "change 10",
}
#: Whose seconds a contender's are compared with.
_BASES = {CORE_K8S: OURS_PLAYBOOK}


def render(results: Results) -> str:
    """The whole document."""
    parts = [_head(results), _targets(results)]
    parts += [_set_tables(results, series.name) for series in SERIES if results.select(series.name)]
    if results.select(control_plane.SERIES):
        parts.append(_control_plane(results))
    if results.select(clusters.SERIES):
        parts.append(_clusters(results))
    if results.select(fronts.SERIES):
        parts.append(_fronts(results))
    if results.select(hosts.SERIES):
        parts.append(_hosts(results))
    return "\n".join(parts)


def _head(results: Results) -> str:
    about = results.about
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    failures = [f"* {text}" for text in results.notes.get("failures", ())]
    return "\n".join(
        [
            "# Performance",
            "",
            f"Written by `{about['command']}` on {about['date']} from its results. Do not edit.",
            "",
            f"* Machine: {about['cores']} cores ({about['processor']}), {about['memory'] / 1e9:.0f} GB of memory, "
            f"Linux {about['kernel']}. Clients and API servers share it.",
            f"* Versions: {versions}.",
            f"* {about['rounds']} rounds, contenders taking turns in each; what is slow runs less often, and says so.",
            "* Seconds are medians, with the range in brackets.",
            "* `meshops.mesh (core)` is a Python program that imports the core and runs the operation; the other "
            "programs are compared with it, as whole commands. `meshops.mesh (ansible-playbook)` is the whole command "
            "with one task; that of kubernetes.core is compared with it. All read the same manifests.",
            "* meshops.mesh comes as a user who has only the roles that `meshops.mesh.rbac` derives from the "
            "declaration; the others as cluster admin.",
            "* Requests are counted by the API server (all of the client's user), bytes on the cluster's link, CPU "
            "time and peak memory (shared pages divided) over the client's process tree.",
            *(["", "Failed:", "", *failures] if failures else []),
            "",
        ]
    )


def _targets(results: Results) -> str:
    rows = [
        (
            target.what,
            f"{_number(target.limit)}{target.unit}",
            f"{_number(target.measured)}{target.unit}",
            "yes" if target.reached else "**no**",
        )
        for target in targets(results)
    ]
    return _section("Targets", "", ("target", "at most", "measured", "reached"), rows)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def _set_tables(results: Results, series: str) -> str:
    note = results.notes[series]
    title = f"{note['objects']} Istio resources through istiod's webhook"
    title += f", {note['round_trip']} ms round trip" if note["round_trip"] else ""
    said = [_calibration(results, series)]
    if note["round_trip"]:
        said.append("The round trip is made by a forwarder that holds bytes back (this kernel may have no netem).")
    steps = [step for step in STEPS if results.select(series, step=step)]
    text = _section(title, " ".join(said), *_seconds_table(results, series, steps))
    return (
        text + "\n" + _table(*_cost_table(results, series, [step for step in steps if step in ("create", "unchanged")]))
    )


def _calibration(results: Results, series: str) -> str:
    found = [entry for entry in results.calibrations if entry.series == series]
    per_request = summarize([entry.seconds / entry.requests * 1000 for entry in found])
    times = f"{per_request.median:.2f} ms ({per_request.least:.2f}-{per_request.greatest:.2f})"
    return f"One GET /version takes {times}: {found[0].requests} over one connection, before each round."


def _seconds_table(results: Results, series: str, steps: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Seconds, and behind them how many times ours they are."""
    header = ["seconds (times ours)", *(_STEP_TITLES[step] for step in steps)]
    rows = []
    for name in _contenders(results, series):
        row = [name]
        for step in steps:
            found = results.seconds(series, name, step)
            base = results.seconds(series, _BASES.get(name, OURS), step)
            row.append(_timed(found, base, name, _timed_out(results, series, name, step)))
        rows.append(row)
    return header, rows


def _timed_out(results: Results, series: str, name: str, step: str) -> bool:
    return any(run.timed_out for run in results.select(series, name, step))


def _timed(found: Summary | None, base: Summary | None, name: str, timed_out: bool) -> str:
    if found is None:
        return "-"
    if timed_out:
        return f"more than {found.greatest:.0f}, stopped"
    times = "" if base is None or name in (OURS, OURS_PLAYBOOK) else f" x{ratio(found.median, base.median)}"
    return seconds(found) + times


def _cost_table(results: Results, series: str, steps: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    columns = {"requests": "requests", "writes": "writes", "MB": "", "CPU s": "cpu", "memory MB": "memory"}
    header = ["medians", *(f"{title}, {_STEP_TITLES[step]}" for step in steps for title in columns)]
    rows = []
    for name in _contenders(results, series):
        row = [name]
        for step in steps:
            found = results.select(series, name, step)
            row += [
                _median(run.requests for run in found),
                _median(run.writes for run in found),
                megabytes(median(run.up + run.down for run in found)) if found else "-",
                f"{median(run.cpu for run in found):.2f}" if found else "-",
                f"{median(run.memory for run in found) / 1e6:.0f}" if found else "-",
            ]
        rows.append(row)
    return header, rows


def _median(values: Iterable[float]) -> str:
    found = list(values)
    return f"{median(found):.0f}" if found else "-"


def _control_plane(results: Results) -> str:
    series = control_plane.SERIES
    header = ["seconds", "fresh to done", "fresh to injecting and validating", "unchanged", "unchanged, nothing cached"]
    rows = []
    for name in _contenders(results, series):
        behaves = [run.inside["behaves"] for run in results.select(series, name, "fresh")]
        by_step = {step: results.seconds(series, name, step) for step in control_plane.STEPS}
        if name == control_plane.FLOOR:
            by_step["fresh"] = None  # it sends, and is not done when it ends
        done, *others = (seconds(found) if found else "-" for found in by_step.values())
        rows.append([name, done, seconds(summarize(behaves)) if behaves else "-", *others])
    intro = (
        f"{_calibration(results, series)} The floor sends the rendered objects at once and looks every 20 ms whether "
        "a pod comes back injected and a bad object is refused."
    )
    text = _section("A control plane", intro, header, rows)
    return text + "\n" + _table(*_cost_table(results, series, ("fresh", "unchanged")))


def _clusters(results: Results) -> str:
    series = clusters.SERIES
    header = ["seconds", *(f"{count}" for count in clusters.NUMBERS)]
    rows = []
    for name in (clusters.SHIPPED, clusters.MORE_FORKS):
        for step in clusters.STEPS:
            found = [results.seconds(series, name, f"{step} {count}") for count in clusters.NUMBERS]
            if any(found):
                rows.append([f"{step}, {name}", *(seconds(item) if item else "-" for item in found)])
                rows.append([f"processors busy, {name}, {step}", *_shares(results, name, step)])
    intro = (
        f"`ansible-playbook meshops.mesh.site` over so many API servers, a set of {clusters.OBJECTS} ConfigMaps on "
        "each. Below each line: how much of the machine's processors all of it used, API servers included."
    )
    return _section("Many clusters", intro, header, rows)


def _shares(results: Results, name: str, step: str) -> Iterator[str]:
    for count in clusters.NUMBERS:
        found = [run.inside["machine"] for run in results.select(clusters.SERIES, name, f"{step} {count}")]
        yield f"{median(found):.0%}" if found else "-"


def _fronts(results: Results) -> str:
    series, note = fronts.SERIES, results.notes[fronts.SERIES]
    header = ["", *(_STEP_TITLES[step] for step in fronts.STEPS)]
    header += [f"{what}, {_STEP_TITLES[step]}" for what in ("requests", "writes") for step in fronts.STEPS]
    rows = []
    for name in _contenders(results, series):
        by_step = [results.select(series, name, step) for step in fronts.STEPS]
        row = [name, *(seconds(summarize([run.seconds for run in found])) if found else "-" for found in by_step)]
        row += [_median(getattr(run, what) for run in found) for what in ("requests", "writes") for found in by_step]
        states = [run.inside["state"] for run in results.select(series, name) if "state" in run.inside]
        rows.append([*row, megabytes(median(states)) if states else "-"])
    intro = (
        f"Istio's control plane and {note['objects']} of its resources, by programs for Pulumi (its engine, a state in "
        "files, the program in the process that starts the engine) and by a playbook of two tasks. The provider "
        f"answers {seconds(summarize(note['starts']))} seconds after its start."
    )
    left_out = f" {note['left_out']}" if "left_out" in note else ""
    return _section("Both fronts", intro + left_out, [*header, "MB of state"], rows)


def _hosts(results: Results) -> str:
    series, steps = hosts.SERIES, [str(number) for number in hosts.NUMBERS]
    header = [
        "",
        *(f"{step} host{'s' if step != '1' else ''}" for step in steps),
        *(f"requests, {step}" for step in steps),
    ]
    rows = []
    for name in _contenders(results, series):
        by_step = [results.select(series, name, step) for step in steps]
        row = [name, *(seconds(summarize([run.seconds for run in found])) if found else "-" for found in by_step)]
        rows.append([*row, *(_median(run.requests for run in found) for found in by_step)])
    intro = (
        "All that hosts outside Kubernetes need to join, a token for each: by one task of a playbook, and by a loop "
        "over istioctl. What hosts of one group have in common is asked for once."
    )
    return _section("Hosts outside Kubernetes", intro, header, rows)


def _contenders(results: Results, series: str) -> list[str]:
    """Names in the order of a round."""
    return list(dict.fromkeys(run.contender for run in results.select(series)))


def _section(title: str, intro: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([f"## {title}", "", *([intro, ""] if intro else []), _table(header, rows)])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
