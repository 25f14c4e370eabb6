"""Put the figures of the results files into the pages: `python -m tools.figures`.

A page holds a block between two comments, `<!-- figures: NAME -->` and `<!-- /figures -->`; what
stands between them is made here, from files that the benchmarks wrote. Knows no other text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tools import ranking_figures, rival_figures
from tools.results import MODES, ROOT, kept, latest, table, thousands, torture

PAGES = (
    "README.md",
    "docs/benchmarks.md",
    "docs/decisions/028-a-kernel-of-our-own.md",
    "docs/embeddings.md",
    "docs/guarantees.md",
    "docs/how-to/install.md",
    "docs/how-to/languages.md",
    "docs/how-to/tune.md",
    "docs/ranking.md",
)
_BLOCK = re.compile(r"(<!-- figures: ([\w-]+) -->\n)(.*?)(<!-- /figures -->)", re.DOTALL)


def with_figures(page: str) -> str:
    """The page with each of its blocks made anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block[2]]().strip()}\n{block[4]}", page)


# ---- the blocks ----------------------------------------------------------------------------------


def install() -> str:
    """How large an installation becomes, and what it costs."""
    results = latest("install")
    return (
        f"That is {results['download_mb'] / 1000:.1f} GB to download, "
        f"{results['disk_mb'] / 1000:.1f} GB on disk, and about {results['cpu_s'] / 60:.0f} "
        "minutes of one processor core."
    )


def quality() -> str:
    """The ranking modes on judged collections."""
    results = latest("quality")
    rows = [
        [
            collection["name"],
            str(collection["questions"]),
            *(
                f"{collection['modes'][mode]['ndcg@10']:.3f} / "
                f"{collection['modes'][mode]['recall@100']:.3f}"
                for mode in MODES
            ),
        ]
        for collection in results["collections"]
    ]
    return table(["collection", "questions", *MODES], rows)


def latency() -> str:
    """How long a question takes in each mode."""
    results = latest("modes")
    rows = [
        [
            mode,
            *(
                f"{results[kind][mode]['median']:.0f} / {results[kind][mode]['p95']:.0f}"
                for kind in ("warm_ms", "cold_ms")
            ),
        ]
        for mode in MODES
    ]
    return (
        f"Median and 95th percentile in milliseconds, over {thousands(results['documents'])} "
        f"documents\n({thousands(results['passages'])} passages):\n\n"
        + table(["mode", "warm", "cold: the whole process"], rows)
    )


def scale() -> str:
    """What corpora of a thousand to ten million passages cost."""
    rows = []
    for passages, size in latest("scale")["passages"].items():
        rows.append(
            [
                thousands(int(passages)),
                _or_dash(size, "database_mb", "{:,}"),
                _or_dash(size, "vectors_file_mb", "{:,}"),
                _or_dash(size, "publish_s", "{:.1f}"),
                _or_dash(size, "cold_open_and_ask_ms", "{:.0f}"),
                *(
                    _pair(size, name) or _pair(size, name.replace("_ms", "_100.0%_ms")) or "–"
                    for name in ("cosine_ms", "keyword_ms", "cosine_0.1%_ms", "cosine_1.0%_ms")
                ),
            ]
        )
    heads = [
        "passages",
        "database, MB",
        "vectors file, MB",
        "publishing, s",
        "open and ask, ms",
        "cosine, ms",
        "keyword, ms",
        "filter of .1 %, ms",
        "of 1 %, ms",
    ]
    return table(heads, rows)


def _or_dash(values: dict[str, Any], name: str, form: str) -> str:
    return form.format(values[name]) if name in values else "–"


def _pair(values: dict[str, Any], name: str) -> str:
    return " / ".join(f"{value:g}" for value in values[name]) if name in values else ""


def recall() -> str:
    """How much an approximate search finds."""
    passages, size = list(latest("scale")["passages"].items())[-1]
    return (
        f"At {thousands(int(passages))} passages the search is approximate; of the ten nearest it "
        f"finds\n{size['recall_at_10_100.0%']:.3f} (recall@10, synthetic vectors)."
    )


def rates() -> str:
    """How fast each stage of an ingest is."""
    results = latest("rates")
    return (
        f"Encoding is what takes time: {thousands(results['encoding_tokens_per_s'])} tokens a "
        f"second,\n{results['share_of_peak']:.0%} of what the processor multiplies in "
        f"{results['computed_in']}. Reading takes\n"
        f"{thousands(results['extraction_files_per_s'])} files a second, splitting "
        f"{thousands(results['splitting_files_per_s'])} files, storing "
        f"{thousands(results['storing_passages_per_s'])} passages."
    )


def kernel() -> str:
    """What our own kernel saves an ingest where it runs."""
    results = latest("kernel")
    rows = [
        [f"{length} tokens a text, µs a token", f"{each['kernel']}", f"{each['openvino']}"]
        for length, each in results["cpu_us_a_token"].items()
    ]
    ours, others = (results["ingest"][name] for name in ("kernel", "openvino"))
    for key, name in (
        ("cpu_s", "ingest of 1,000 abstracts, s"),
        ("peak_mb", "the same, largest memory, MB"),
    ):
        rows.append([name, f"{ours[key]:.0f}", f"{others[key]:.0f}"])
    return f"{table(['', 'kernel', 'OpenVINO'], rows)}\n\nMachine: {results['machine']}."


def tuning() -> str:
    """What tuning is worth, and what it costs elsewhere."""
    results = latest("tune")
    before, after, elsewhere = results["before"], results["after"], results["elsewhere"]
    minutes = results["seconds"]["training"] / 60
    return (
        f"Taught {results['questions']['learned']} questions, the default model finds the answer "
        f"to {results['questions']['held_out']} others in the first\nplace for "
        f"{after['hits@1']:.0%} of them instead of {before['hits@1']:.0%}, after "
        f"{minutes:.1f} minutes of training on two cores. Elsewhere it\nforgets a little: "
        f"SciFact's nDCG@10 goes from {elsewhere['ndcg@10']['before']:.3f} to "
        f"{elsewhere['ndcg@10']['after']:.3f} (p {elsewhere['p']:.2f})."
    )


def mistakes() -> str:
    """What the usual mistakes of pooling cost a search."""
    results = latest("mistakes")["nDCG@10 on scifact"]
    names = {
        "the mean over its tokens": "mean over the tokens",
        "the mean over the padding too, of 32 texts as they come": (
            "mean over the padding too, as they come"
        ),
        "the same, where all are padded to the model's limit of 256": (
            "mean over the padding too, to the limit"
        ),
        "the same, but the questions one by one, so that only abstracts are padded": (
            "mean over the padding too, to the limit; questions one by one"
        ),
        "the mean over the padding too, of 32 texts sorted by length": (
            "mean over the padding too, sorted by length"
        ),
        "the state of `[CLS]`": "[CLS]",
    }
    return table(
        ["the vector of a text", "nDCG@10"],
        [[shown, f"{results[name]:.3f}"] for shown, name in names.items()],
    )


def int8() -> str:
    """How far vectors move in 8 bits."""
    results = latest("int8")
    weights, both = results["weights"], results["weights_and_activations"]
    return (
        f"Of {results['texts']} abstracts, each output of the weights and each token with its own "
        f"scale, that is\n{both['mean']:.4f} in the mean and {both['least']:.4f} at least; with "
        f"the weights alone in 8 bits, which\nsaves no product, {weights['mean']:.4f} and "
        f"{weights['least']:.4f}."
    )


def at_length() -> str:
    """What the tests at length have seen."""
    cuts, flips, kills = kept("powerloss"), torture("flips"), torture("kills")
    parsers, mutations = torture("parsers"), kept("mutations")
    inputs = sum(target["inputs"] for target in parsers["targets"].values())
    changed, mended, listed = (
        flips["outcomes"][name] for name in ("changing", "repaired", "lost and listed")
    )
    damaged = sum(sum(each["files"].values()) for each in mutations)
    slowest_s = max(each["slowest_s"] for each in mutations)
    broken = sum(len(each["defects"]) for each in mutations)
    rules = torture("ignoring")
    reads, histories = torture("readers")["reads"], torture("history")["histories"]
    seen = {
        "powerloss": _cuts(cuts),
        "faults": "; ".join(_faults(each) for each in kept("faults")),
        "kills": f"{kills['kills']} kills at random moments: {len(kills['defects'])} defects",
        "readers": f"{thousands(reads)} reads beside an ingest, none wrong",
        "flips": f"{thousands(changed)} altered bits, all found: {mended} mended, {listed} lost "
        "with their files and listed",
        "mutations": f"{thousands(damaged)} damaged documents: {broken} defects, "
        f"the slowest takes {slowest_s} s",
        "parsers": f"{thousands(inputs)} inputs without a defect",
        "ignoring": f"{thousands(rules['rule_files'])} rule files by chance, "
        f"{thousands(rules['paths'])} paths: {len(rules['differences'])} answers differ from git's",
        "history": f"{thousands(histories)} histories, each equal to a fresh ingest",
    }
    seen |= {
        name: tell(results[0])
        for name, tell in (("changing", _changing), ("tunings", _tunings), ("tree", _tree))
        if (results := kept(name))
    }
    return table(["test", "what it saw"], [[f"`{name}`", what] for name, what in seen.items()])


def _cuts(runs: list[dict[str, Any]]) -> str:
    cuts, lost = (sum(each[name] for each in runs) for name in ("cuts", "lost"))
    off = [each["controls"]["OFF"] for each in runs]
    unsynced, lossy = (sum(each[name] for each in off) for name in ("cuts", "lost"))
    return (
        f"{thousands(cuts)} power cuts, the last {thousands(runs[0]['cuts'])} of them with labels, "
        f"after which {lost} documents are lost; without syncs, {lossy} of {unsynced} cuts lose "
        "some"
    )


def _faults(results: dict[str, Any]) -> str:
    runs = sum(fault["runs"] for fault in results["faults"].values())
    bad = sum(
        fault[kind]
        for fault in results["faults"].values()
        for kind in ("unclean", "lost", "tracebacks", "not completed", "other")
    )
    every = results.get("every", 1)
    where = "every system call" if every == 1 else f"every {every}th system call"
    works = {
        "first": "a first ingest",
        "next": "a later one",
        "classify": "labelling",
        "use": "going over to another model",
        "migrate": "a migration",
    }
    *most, last = (works[name] for name in results["calls"])
    return f"{thousands(runs)} faults at {where} of {', '.join(most)} and {last}: {bad} defects"


def _changing(results: dict[str, Any]) -> str:
    return (
        f"{thousands(results['ingests'])} ingests beside a program that writes the files: "
        f"{len(results['defects'])} defects; {results['changes while it is being read']} files "
        "were refused for that once, and read by a later ingest"
    )


def _tunings(results: dict[str, Any]) -> str:
    return f"{results['kills']} kills of a tuning: {len(results['defects'])} defects"


def _tree(results: dict[str, Any]) -> str:
    first, second = results["first"], results["second"]
    others = ", hidden but for" if results["hidden"] else " with"
    others = ", empty but for" if results["empty"] else others
    return (
        f"{thousands(results['files'])} files{others} "
        f"{thousands(results['documents'])} documents: {first['cpu_s']:.0f} s of one core and "
        f"{thousands(first['memory_mb'])} MB, {second['cpu_s']:.0f} s where nothing has changed"
    )


def mutants() -> str:
    """How many small changes of the code the tests notice, by room."""
    rows = []
    for room in ("search", "ingest", "backends", "limits", "secrets"):
        for results in kept(f"mutants-{room}")[:1]:
            alive = results["mutants"] - results["killed"] - results["equivalent"]
            counts = (results[name] for name in ("places", "mutants", "killed", "equivalent"))
            rows.append([room, *map(thousands, counts), str(alive), f"{results['share']:.0%}"])
    heads = ["room", "places", "mutants", "noticed", "equivalent", "alive", "noticed of the rest"]
    return table(heads, rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "install": install,
    "rivals": rival_figures.rivals,
    "rivals-in-short": rival_figures.rivals_in_short,
    "rivals-by-keywords": rival_figures.rivals_by_keywords,
    "rivals-remarks": rival_figures.rivals_remarks,
    "quality": quality,
    "latency": latency,
    "scale": scale,
    "recall": recall,
    "rates": rates,
    "kernel": kernel,
    "tuning": tuning,
    "mistakes": mistakes,
    "at-length": at_length,
    "int8": int8,
    "ranking-modes": ranking_figures.ranking_modes,
    "ranking-constants": ranking_figures.ranking_constants,
    "ranking-left-out": ranking_figures.ranking_left_out,
    "languages": ranking_figures.languages,
    "reliability": ranking_figures.reliability,
    "doubt": ranking_figures.doubt,
    "mutants": mutants,
}


def main() -> None:
    """Write every page again."""
    for name in PAGES:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        if (current := with_figures(text)) != text:
            page.write_text(current, encoding="utf-8")


if __name__ == "__main__":
    main()
