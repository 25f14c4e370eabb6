"""The tables about ranking modes, what their constants are worth, and how often a confidence is
right.
"""

from __future__ import annotations

from tools.results import MODES, latest, table


def ranking_modes() -> str:
    """The ranking modes beside reciprocal rank fusion, which they have to beat."""
    results = latest("ranking")
    names = [*MODES[:2], "rrf", *MODES[2:]]
    rows = [
        [name, str(results["collections"][name]), *(f"{figures[mode]:.3f}" for mode in names)]
        for name, figures in results["shipped"].items()
    ]
    return table(["collection", "questions", *names], rows)


def ranking_constants() -> str:
    """What each constant of the ranking is worth on each collection."""
    results = latest("ranking")
    shipped = results["shipped"]
    rows = []
    for constant, values in results["variants"].items():
        mode = "best" if "best" in constant else "hybrid"
        for value, figures in values.items():
            changes = [figures[name][mode] - shipped[name][mode] for name in shipped]
            rows.append(
                [constant, value, *(f"{round(change, 3) + 0.0:+.3f}" for change in changes)]
            )
    return table(["constant", "other value", *shipped], rows)


def ranking_left_out() -> str:
    """What choosing a constant on all other collections changes on the one left out."""
    rows = []
    for constant, choices in latest("ranking")["left_out"].items():
        changes = {name: choice["ndcg@10"] for name, choice in choices.items()}
        kept = sum(choice["chosen"] == "as it is" for choice in choices.values())
        worst = min(changes, key=lambda name: changes[name])
        rows.append(
            [
                constant,
                f"{kept} of {len(choices)}",
                f"{round(sum(changes.values()) / len(changes), 4) + 0.0:+.4f}",
                f"{changes[worst]:+.4f} ({worst})" if changes[worst] < 0 else "none",
            ]
        )
    return table(["constant", "chosen again", "mean change", "worst"], rows)


def languages() -> str:
    """How well questions find documents in their own and in another language, by model."""
    models = latest("languages")["models"]
    rows = []
    for pair, default in models["default"].items():
        # as it answers: in a corpus of languages that the model does not speak, words weigh more
        hybrid = default["hybrid" if pair.endswith("en") else "hybrid, words trusted"]
        multilingual = models["multilingual"][pair]
        found = [default["cosine"], default["keyword"], hybrid, *multilingual.values()]
        rows.append([pair, *(f"{figure:.3f}" for figure in found)])
    heads = ["default, cosine", "keyword", "default, hybrid"]
    heads += [f"multilingual, {mode}" for mode in multilingual]
    return table(["question → documents", *heads], rows)


def reliability() -> str:
    """How many questions of each tenth of confidences have their answer."""
    modes = latest("confidence")["modes"]
    tenths = {
        mode: {tenth["from"]: tenth for tenth in figures["reliability"]}
        for mode, figures in modes.items()
    }
    rows = []
    for start in sorted({start for found in tenths.values() for start in found}):
        shown = [found.get(start) for found in tenths.values()]
        rows.append(
            [
                f"{start:.1f} to {start + 0.1:.1f}",
                *(f"{tenth['answered']:.0%}" if tenth else "–" for tenth in shown),
            ]
        )
    return table(["best confidence", *(f"answered, {mode}" for mode in modes)], rows)


def doubt() -> str:
    """How many questions are flagged as perhaps not answered, and how well near misses are told."""
    results = latest("confidence")
    rows = []
    for corpus in next(iter(results["modes"].values()))["corpora"]:
        per_mode = [figures["corpora"][corpus] for figures in results["modes"].values()]
        rows.append(
            [
                corpus,
                *(
                    f"{found['answered flagged']:.0%} / {found['foreign flagged']:.0%} / "
                    f"{found['auc']:.2f}"
                    for found in per_mode
                ),
            ]
        )
    return table(["corpus", *results["modes"]], rows)
