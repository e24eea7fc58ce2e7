# Which tables and figures are made of which files, and the functions of the rules of evaluation.smk.


#: The options of evaluation that the statistics of residuals need.
STATISTICS = ("resamples", "seed", "interval", "outlier_sigmas")

#: What limits the residuals against a dataset's labels; empty where it is not known.
FLOOR = (
    f"{CONFIG.evaluation.floor}/{{dataset}}.parquet" if CONFIG.evaluation.floor else ""
)


class Group(NamedTuple):
    """Tables, or figures, that one job makes of the same files."""

    names: list
    at: str  # what they show, as at the end of their files' names
    files: dict  # input, by option of `spectralm tabulate` and `spectralm plot`
    options: tuple = ()  # of evaluation, besides those of captions
    arguments: str = ""
    models: list = list(CONFIG.models)

    def paths(self, folder, *suffixes):
        """Patterns of files in a folder."""
        return [
            f"{folder}/{'-'.join(filter(None, [name, self.at]))}{suffix}"
            for name in self.names
            for suffix in suffixes
        ]

    def code(self, command, package):
        """The hash of the code behind the files."""
        modules = (f"spectralm.evaluation.{package}.{name}" for name in self.names)
        return fingerprint(command, *modules)


def beside_paper(number):
    """One of tables 2 to 4: the LLM (2), all models (3), or the LLM and ResNet-50 (4)."""
    scale, runs = compared_runs(number) if CONFIG.runs_on("lamost") else (0, [])
    return Group(
        [f"table{number}"] if CONFIG.runs_on("lamost") else [],
        "",
        {
            "residuals": of_runs(runs, residuals_of),
            "manifests": of_runs(runs, manifest_of),
            "published": paper_tables(number),
        },
        (*STATISTICS, "published"),
        f"--scales {scale}",
    )


def external_table(number, learned):
    """One of tables 7 and 8: models of stage 1 and of stage 2."""
    runs = largest(learned)
    return Group(
        [f"table{number}"] if CONFIG.external and runs else [],
        "",
        {
            "residuals": of_runs(runs, external_residuals_of),
            "manifests": of_runs(runs, manifest_of),
            "samples": external_samples(CONFIG.external),
            "published": paper_tables(number),
        },
        (*STATISTICS, "published"),
        f"--scales {max(CONFIG.scales(learned), default=0)}",
    )


def of_a_run(names, dataset, models):
    """Figures of one run."""
    run = f"{{model}}-{dataset}-{{scale}}"
    files = {
        "residuals": f"results/residuals/{run}/{dataset}.parquet",
        "manifests": f"results/models/{run}/manifest.json",
    }
    return Group(names, run, files, models=list(models))


# A new table is a module of its name in src/spectralm/evaluation/tables, a new figure one in
# src/spectralm/evaluation/figures, and its name here, where its input files are
# (docs/adding_a_table.md). The keys end the names of the rules.
TABLES = {
    "lamost": Group(
        ["residuals", "confusion", "calibration", "snr"],
        "lamost-{scale}",
        {
            "residuals": get_files_of_runs("lamost", residuals_of),
            "manifests": get_files_of_runs("lamost", manifest_of),
        },
        (*STATISTICS, "snr_bins"),
    ),
    "apogee": Group(
        ["elements", "calibration"],
        "apogee-{scale}",
        {
            "residuals": get_files_of_runs(
                "apogee", lambda run: residuals_of(run) + external_residuals_of(run)
            ),
            "manifests": get_files_of_runs("apogee", manifest_of),
        },
        (*STATISTICS, "well_determined", "weak"),
    ),
    "scaling": Group(
        ["scaling"],
        "lamost",
        {
            "residuals": of_runs(trained_here("lamost"), residuals_of),
            "manifests": of_runs(trained_here("lamost"), manifest_of),
            "published": paper_tables(2, 3, 4),
        },
        STATISTICS,
    ),
    "rejects": Group(["rejects"], "{dataset}", {"rejects": get_all_rejects}),
    "sample": Group(
        ["sample"],
        "lamost",
        {"assignment": "results/samples/lamost.parquet"},
        arguments=shlex.join(
            ["--sample-options", CONFIG.samples.model_dump_json(), "--scales"]
            + [str(scale) for scale in CONFIG.scales("lamost")]
        ),
    ),
    "labels": Group(
        ["table1"],
        "",
        {
            "catalogue": "results/catalogues/apogee.parquet",
            "published": paper_tables(1),
        },
    ),
    "all_models": beside_paper(3),
    "llm": beside_paper(2),
    "llm_and_resnet": beside_paper(4),
    "abundances": Group(
        ["table5", "table6"],
        "",
        {
            "residuals": of_runs(largest("apogee"), residuals_of),
            "manifests": of_runs(largest("apogee"), manifest_of),
            "published": paper_tables(5, 6),
        },
        (*STATISTICS, "published"),
        f"--scales {max(CONFIG.scales('apogee'), default=0)}",
    ),
    "external_parameters": external_table(7, "lamost"),
    "external_abundances": external_table(8, "apogee"),
}
FIGURES = {
    "baseline": of_a_run(
        ["residuals", "histograms", "confusion"], "lamost", CONFIG.baselines
    ),
    "llm": of_a_run(
        ["residuals", "histograms", "confusion", "calibration"], "lamost", CONFIG.llms
    ),
    "baseline_abundances": of_a_run(["residuals"], "apogee", CONFIG.baselines),
    "llm_abundances": of_a_run(["residuals", "calibration"], "apogee", CONFIG.llms),
    # The paper's figures 1 to 6 (runs on lamost), 7 and 8 (runs on apogee).
    "external": Group(
        CONFIG.external,
        "{model}-{learned}-{scale}",
        {
            "residuals": expand(
                "results/residuals/{{model}}-{{learned}}-{{scale}}/{dataset}.parquet",
                dataset=CONFIG.external,
            ),
            "manifests": "results/models/{model}-{learned}-{scale}/manifest.json",
            "samples": external_samples(CONFIG.external),
        },
    ),
    "scaling": Group(
        ["scaling"],
        "lamost",
        {"tables": "results/tables/scaling-lamost.csv"},
        arguments=shlex.join(["--models", *CONFIG.run_models]),
    ),
    "snr": Group(
        ["snr"],
        "lamost-{scale}",
        {"tables": "results/tables/snr-lamost-{scale}.csv"},
        arguments=shlex.join(["--models", *CONFIG.run_models]),
    ),
}


#: Each command's folder of results, the first suffix shown in the report, and its lists.
COMMANDS = {
    "tabulate": ("tables", (".csv", ".md", ".tex"), TABLES),
    "plot": ("figures", (".png", ".pdf"), FIGURES),
}
MADE_TOGETHER = [
    (command, *COMMANDS[command][:2], key, items)
    for command in COMMANDS
    for key, items in COMMANDS[command][2].items()
    if items.names
]


def tables_of(key, **wildcards):
    """The tidy tables of a list, such as at some scales; none without such."""
    return expand(TABLES[key].paths("results/tables", ".csv"), **wildcards)


def figures_of(key, runs):
    """The figures of a list, of each of those runs that it is for."""
    return [
        path.format(model=run.model, learned=run.dataset, scale=run.scale)
        for run in runs
        if run.model in FIGURES[key].models
        for path in FIGURES[key].paths("results/figures", ".png")
    ]
