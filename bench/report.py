# SPDX-License-Identifier: Apache-2.0
"""The table that bench/run prints."""

from statistics import median


def _references(keys):
    """Whom the ratios are against: the C handler in coral's httpd, and the one in an httpd without coral."""
    return [key for key in ("c", "c-alone") if key in keys]


def _medians(goes):
    return median(go.cpu_us for go in goes), median(go.rate for go in goes)


def print_table(workload, samples):
    """One line per contestant: CPU per request, requests/s, and how both compare with the C handler."""
    middles = {c.key: _medians(goes) for c, goes in samples.items()}
    reference = (_references(middles) or [""])[0]
    print(f"\n{workload.title}\n{'':32}{'CPU µs per request':^26}{'ratio of medians':^22}"
          f"{'requests/s':^26}{'ratio':^9}")
    print(f"{'':32}{'median':>8}{'min':>9}{'max':>9}{'to C':>10}{'to C alone':>12}"
          f"{'median':>8}{'min':>9}{'max':>9}{'to C':>9}   limit")
    for c, goes in samples.items():
        cpu, rate = middles[c.key]
        print(f"{c.label:32}{_spread([go.cpu_us for go in goes], 1)}"
              f"{_ratio(cpu, middles, 'c', 0):>10}{_ratio(cpu, middles, 'c-alone', 0):>12}"
              f"{_spread([go.rate for go in goes], 0)}{_ratio(rate, middles, reference, 1):>9}"
              f"   {_verdict(c, workload, goes, middles)}")


def _spread(values, digits):
    middle = f"{median(values):>8.{digits}f}"
    return middle + "".join(f"{value:>9.{digits}f}" for value in (min(values), max(values)))


def _ratio(value, middles, key, which):
    return f"{value / middles[key][which]:.2f}" if key in middles else "-"


def _verdict(contestant, workload, goes, middles):
    """The last column; a row with errors is worth nothing, however cheap."""
    if any(go.errors for go in goes):
        return "ERRORS"
    limit, references = contestant.limit.get(workload.key), _references(middles)
    if limit is None or not references:
        return ""
    return f"{limit:.2f} {'ok' if middles[contestant.key][0] <= limit * middles[references[0]][0] else 'OVER'}"


def over_limit(samples):
    """What is dearer than it may be, as lines of text."""
    found = []
    for (c, w), goes in samples.items():
        middles = {k.key: _medians(s) for (k, x), s in samples.items() if x == w}
        if _verdict(c, w, goes, middles).endswith("OVER"):
            found.append(f"{c.label}, {w.key}: {_ratio(middles[c.key][0], middles, _references(middles)[0], 0)}, "
                         f"at most {c.limit[w.key]:.2f}")
    return found
