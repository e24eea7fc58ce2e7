# Functions of the rule files; no rules.

STYLE = str(source("spectralm.evaluation.style").with_name("spectralm.mplstyle"))


def any_of(names):
    """Wildcard constraint: one of some names; without any, nothing."""
    return "|".join(names) or "(?!)"


def get_shard_files(kind):
    """Input function: the files of a kind (samples, spectra) of all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/{kind}/{dataset}/{shard}.parquet",
        kind=kind.format(**wildcards),
        dataset=wildcards.dataset,
        shard=CONFIG.shards(int(wildcards.scale)),
    )


def get_strata(wildcards):
    """Params function: whether a dataset's shards are balanced in class (stage 1)."""
    return "class" if wildcards.dataset == "lamost" else "none"


def get_targets(wildcards):
    """What a run is asked: stage 1's labels, or stage 2's."""
    return CONFIG.targets(wildcards.get("learned", wildcards.dataset))


def get_judging_files(kind):
    """Input function: files of a kind of all shards that a run is tested on."""

    def files(wildcards):
        own = wildcards.dataset == wildcards.learned
        return expand(
            "results/{kind}/{dataset}/{shard}.parquet",
            kind=kind.format(**wildcards),
            dataset=wildcards.dataset,
            shard=CONFIG.shards(
                int(wildcards.scale) if own else CONFIG.samples.external
            ),
        )

    return files


def get_weights(wildcards):
    """Input function: what a run's predictions were made with."""
    name = "adapter_model.safetensors" if wildcards.model in CONFIG.llms else "weights"
    return "results/models/{model}-{dataset}-{scale}/".format(**wildcards) + name


def get_question_rejects(wildcards):
    """Input function: the rejects beside a dataset's questions, of all that is asked of it."""
    dataset = wildcards.dataset
    external = dataset in CONFIG.external
    judged_there = (
        [run for learned in CONFIG.datasets for run in largest(learned)]
        if external
        else CONFIG.runs_on(dataset)
    )
    asked = {
        (shard, CONFIG.targets(run.dataset).kind, CONFIG.llms[run.model].text)
        for run in judged_there
        if run.model in CONFIG.llms
        for shard in CONFIG.shards(CONFIG.samples.external if external else run.scale)
    }
    return [
        f"results/qa/{dataset}/{shard}.{targets}.{text}.rejects.parquet"
        for shard, targets, text in sorted(asked)
    ]


def get_all_shards(kind):
    """Input function: the files of a kind of every shard of a dataset that anything uses."""
    return lambda wildcards: expand(
        "results/{kind}/{dataset}/{shard}.parquet",
        kind=kind,
        dataset=wildcards.dataset,
        shard=CONFIG.shards(
            max(CONFIG.scales(wildcards.dataset), default=CONFIG.samples.external)
        ),
    )


def get_all_rejects(wildcards):
    """Input function: every rejects table of the experiment."""
    dataset = wildcards.dataset
    return [
        f"results/catalogues/{dataset}.rejects.parquet",
        *(
            f"results/catalogues/{name}.stars.rejects.parquet"
            for name in CONFIG.surveys.others
            if name == dataset
        ),
        *(
            shard.replace(".parquet", ".rejects.parquet")
            for shard in get_all_shards("spectra")(wildcards)
        ),
        *get_question_rejects(wildcards),
    ]


def get_files_of_runs(dataset, files):
    """Input function: files of all runs on a dataset at a scale."""
    return lambda wildcards: [
        path
        for run in CONFIG.runs_on(dataset)
        if run.scale == int(wildcards.scale)
        for path in files(run)
    ]


def residuals_of(run):
    """The residuals of a run on test spectra of the dataset that it was trained on."""
    return [f"results/residuals/{run}/{run.dataset}.parquet"]


def external_residuals_of(run):
    """The residuals of a run against the external surveys."""
    return [f"results/residuals/{run}/{dataset}.parquet" for dataset in CONFIG.external]


def manifest_of(run):
    """The manifest of a run's model."""
    return [f"results/models/{run}/manifest.json"]


def of_runs(runs, files):
    """Files of runs."""
    return [path for run in runs for path in files(run)]


def largest(learned):
    """The runs at the largest scale of a dataset, which are compared with external surveys."""
    scale = max(CONFIG.scales(learned), default=0)
    return [run for run in CONFIG.runs_on(learned) if run.scale == scale]


def external_samples(datasets):
    """The manifests of external surveys."""
    return expand(
        "results/samples/{dataset}/{shard}.parquet",
        dataset=datasets,
        shard=CONFIG.shards(CONFIG.samples.external),
    )


def paper_tables(*numbers):
    """The files with the numbers of some of the paper's tables."""
    folder = Path(workflow.basedir, "resources", "published")
    return [folder / f"table{number}.csv" for number in numbers]


def compared_runs(number):
    """The scale of our table beside one of the paper's, and the runs in it.

    Where all models are compared it has all of ours, else the counterparts of the paper's.
    """
    paper = read_published(*paper_tables(number))
    models = {
        model for row in paper for model in ours_for(row.model, CONFIG.evaluation)
    }
    runs = [(run.model, run.scale) for run in CONFIG.runs_on("lamost")]
    chosen = scale_like(paper[0].scale, runs, models)
    return chosen, [
        run
        for run in CONFIG.runs_on("lamost")
        if run.scale == chosen
        and (number not in TABLES_OF_PAPERS_MODELS or run.model in models)
    ]


def trained_here(dataset):
    """The runs on a dataset that are trained here; of others the number of spectra is not known."""
    return [run for run in CONFIG.runs_on(dataset) if run.model not in ADOPTED]


def shown(path):
    """A table or figure, marked for `snakemake --report` with its name and wildcards."""
    folder, name = path.split("/")[-2:]
    return report(
        path,
        caption="../report/caption.rst",
        category=folder.capitalize(),
        labels={"what": name.partition("-")[0].partition(".")[0]}
        | {each: f"{{{each}}}" for each in re.findall(r"{(\w+)}", name)},
    )


def evaluation_options(*names):
    """The options of captions, and of what else a rule needs, as JSON."""
    return CONFIG.evaluation.model_dump_json(include={"failed", "note", *names})


def get_arguments(wildcards, input):
    """Params function: the input files by kind, as options of a command."""
    return " ".join(
        f"--{kind} {shlex.join([files] if isinstance(files, str) else files)}"
        for kind, files in input.items()
        if files and kind not in ("style", "template")
    )
