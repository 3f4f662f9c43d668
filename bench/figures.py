# SPDX-License-Identifier: Apache-2.0
"""Figures beside their targets, as bench/parking prints them."""

from dataclasses import dataclass
from statistics import median


@dataclass
class Figure:
    """One line: what we measured in each round, and what somebody else needed for the same."""
    label: str
    unit: str
    ours: list
    theirs: list = None
    most: float = None          # the target: at most so much …
    of_theirs: bool = False     # … times what the other needs
    digits: int = 1

    def ratio(self):
        """Of medians; None where there is nobody to compare with."""
        return median(self.ours) / median(self.theirs) if self.theirs and median(self.theirs) > 0 else None

    def verdict(self):
        """The target, and whether it is met."""
        if self.most is None:
            return ""
        found = self.ratio() if self.of_theirs else median(self.ours)
        if found is None:
            return f"<= {self.most:g} times: nobody to compare with"
        limit = f"<= {self.most:g}" + (" times" if self.of_theirs else f" {self.unit}")
        return f"{limit}  {'ok' if found <= self.most else 'OVER'}"


@dataclass
class Case:
    """What belongs together."""
    key: str
    title: str
    other: str          # whose figures stand beside ours
    figures: list
    errors: list        # what must not be, in words

    def show(self):
        """Print it."""
        print(f"\n{self.title}\n{'':50}{'coral':>9}{'min':>9}{'max':>9}{self.other:>12}{'ratio':>8}   target")
        for f in self.figures:
            values = "".join(f"{value:>9.{f.digits}f}" for value in (median(f.ours), min(f.ours), max(f.ours)))
            theirs = f"{median(f.theirs):.{f.digits}f}" if f.theirs else "-"
            ratio = f"{f.ratio():.2f}" if f.ratio() is not None else "-"
            print(f"{f.label + ', ' + f.unit:50}{values}{theirs:>12}{ratio:>8}   {f.verdict()}".rstrip())
        for error in self.errors:
            print(f"*** ERROR: {error}")

    def over(self):
        """The lines that miss their target."""
        return [f"{self.title}: {f.label}" for f in self.figures if f.verdict().endswith("OVER")]

    def as_json(self):
        """For --json."""
        return {"case": self.key, "other": self.other, "errors": self.errors,
                "figures": [dict(vars(f), ratio=f.ratio()) for f in self.figures]}
