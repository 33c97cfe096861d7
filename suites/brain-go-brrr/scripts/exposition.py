#!/usr/bin/env python3
"""A strict parser of the Prometheus text format 0.0.4, written from its specification.

    exposition.py [FAMILY...]    standard input: a JSON list of pages, in the order they were read

Prints {pages, errors, decreased, families, samples, sums, label_values}: what is wrong with any page, counters that went
down from one page to a later one, type and help of each family, the samples of the named families on the last page,
their sums over the label `status` by the values of the other labels (`POST /health`), and every label value seen.
"""

import json
import math
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)(?: (-?\d+))?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Page:
    """One scrape, checked line by line."""

    def __init__(self, text):
        self.errors, self.families, self.samples = [], {}, {}
        self.closed, self.current = set(), None
        if not text.endswith("\n"):
            self.errors.append("the last line has no end")
        for number, line in enumerate(text.split("\n")[:-1], 1):
            problem = self.read(line)
            if problem:
                self.errors.append(f"line {number}: {problem}: {line[:120]}")
        for name, family in self.families.items():
            for part in ("type", "help"):
                if part not in family:
                    self.errors.append(f"the family {name} has no {part.upper()}")
            if family.get("type") == "histogram":
                self.errors += self.check_histogram(name)

    def enter(self, name):
        if self.current != name:
            if name in self.closed:
                return f"the family {name} is not in one piece"
            if self.current:
                self.closed.add(self.current)
            self.current = name
            self.families.setdefault(name, {})
        return None

    def read(self, line):
        if not line:
            return None
        if line.startswith("#"):
            return self.read_comment(line)
        matched = SAMPLE.match(line)
        if not matched:
            return "no sample"
        name, inside, value = matched[1], matched[2] or "", matched[3]
        labels = {}
        at = 0
        while at < len(inside):
            label = LABEL.match(inside, at)
            if not label:
                return "labels are not well formed"
            if label[1] in labels:
                return f"the label {label[1]} is there twice"
            labels[label[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label[2])
            at = label.end()
        try:
            number = float(value.replace("+Inf", "inf").replace("-Inf", "-inf"))
        except ValueError:
            return "the value is no number"
        family = next((known for known, facts in self.families.items()
                       if name in [known + s for s in SUFFIXES.get(facts.get("type"), ("",))]), None)
        if family is None:
            return "a sample without TYPE before it"
        kind = self.families[family]["type"]
        key = (name, tuple(sorted(labels.items())))
        if key in self.samples:
            return "the series is there twice"
        if kind == "counter" and not number >= 0:
            return "a counter below zero"
        if name == family + "_bucket" and kind == "histogram" and "le" not in labels:
            return "a bucket without le"
        self.samples[key] = (family, labels, number)
        return self.enter(family)

    def read_comment(self, line):
        words = line.split(" ", 3)
        if len(words) < 3 or words[0] != "#" or words[1] not in ("HELP", "TYPE"):
            return None  # an ordinary comment
        keyword, name = words[1].lower(), words[2]
        if not re.fullmatch(NAME, name):
            return "no name of a family"
        problem = self.enter(name)
        if problem:
            return problem
        if keyword in self.families[name]:
            return f"a second {words[1]}"
        text = words[3] if len(words) == 4 else ""
        if keyword == "type" and text not in TYPES:
            return "an unknown type"
        if keyword == "help" and not text.strip():
            return "an empty help"
        self.families[name][keyword] = text
        return None

    def check_histogram(self, name):
        groups = {}
        for (sample, _), (family, labels, value) in self.samples.items():
            if family == name:
                key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
                group = groups.setdefault(key, {"buckets": []})
                if sample == name + "_bucket":
                    group["buckets"].append((float(labels["le"].replace("+Inf", "inf")), value))
                else:
                    group[sample[len(name):]] = value
        for key, group in groups.items():
            counts = [value for _, value in group["buckets"]]
            edges = [edge for edge, _ in group["buckets"]]
            if "_sum" not in group or "_count" not in group:
                yield f"the histogram {name}{dict(key)} has no sum or no count"
            elif edges != sorted(edges) or counts != sorted(counts):
                yield f"the buckets of {name}{dict(key)} are not cumulative"
            elif not edges or not math.isinf(edges[-1]) or counts[-1] != group["_count"]:
                yield f"the last bucket of {name}{dict(key)} is not its count"


def is_cumulative(page, key):
    family, _, _ = page.samples[key]
    kind = page.families[family].get("type")
    return kind == "counter" or (kind in SUFFIXES and not (kind == "summary" and key[0] == family))


def main():
    pages = [Page(text) for text in json.load(sys.stdin)]
    errors = [f"page {number}: {error}" for number, page in enumerate(pages, 1) for error in page.errors]
    decreased = []
    for before, after in zip(pages, pages[1:]):
        for key, (_, labels, value) in before.samples.items():
            if is_cumulative(before, key) and (key not in after.samples or after.samples[key][2] < value):
                decreased.append(f"{key[0]}{labels}")
    last = pages[-1]
    sums = {}
    for (name, _), (family, labels, value) in last.samples.items():
        if family in sys.argv[1:] and "le" not in labels:
            others = " ".join(text for label, text in sorted(labels.items()) if label != "status")
            by_labels = sums.setdefault(name, {})
            by_labels[others] = by_labels.get(others, 0.0) + value
    json.dump({
        "pages": len(pages),
        "errors": errors,
        "decreased": decreased,
        "families": last.families,
        "samples": [{"name": name, "labels": labels, "value": value}
                    for (name, _), (family, labels, value) in last.samples.items() if family in sys.argv[1:]],
        "sums": sums,
        "label_values": sorted({text for page in pages for _, labels, _ in page.samples.values()
                                for name, text in labels.items() if name != "le"}),
    }, sys.stdout)


main()
