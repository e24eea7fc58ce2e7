# Functions of the rule files; no rules.

STYLE = str(source("spectralm.evaluation.style").with_name("spectralm.mplstyle"))


def any_of(names):
    """Wildcard constraint: one of some names; without any, nothing."""
    return "|".join(names) or "(?!)"


def shard_files(kind):
    """Input function: the files of a kind (samples, spectra) of all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/{kind}/{dataset}/{shard}.parquet",
        kind=kind.format(**wildcards),
        dataset=wildcards.dataset,
        shard=CONFIG.shards(int(wildcards.scale)),
    )


def survey_catalogue(name):
    """Input function: the file of a survey other than LAMOST."""

    def catalogue(wildcards):
        if name not in CONFIG.surveys.others:
            raise SpectraLMError(
                f"surveys.{name}.catalogue: null; give the survey's file to use its labels"
            )
        return CONFIG.surveys.others[name]

    return catalogue


def get_strata(wildcards):
    """Params function: whether a dataset's shards are balanced in class (stage 1)."""
    return "class" if wildcards.dataset == "lamost" else "none"


def get_targets(wildcards):
    """What a run is asked: stage 1's labels, or stage 2's."""
    return CONFIG.targets(wildcards.get("learned", wildcards.dataset))


def judged(kind):
    """Input function: files of a kind of all shards that a run is judged by."""

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


def weights(wildcards):
    """Input function: what a run's predictions were made with."""
    name = "adapter_model.safetensors" if wildcards.model in CONFIG.llms else "weights"
    return "results/models/{model}-{dataset}-{scale}/".format(**wildcards) + name


def serializer(wildcards):
    """How a run's spectra are spelled: a text's name and hash; none for a model of pixels."""
    if wildcards.model not in CONFIG.llms:
        return "none"
    name = CONFIG.llms[wildcards.model].text
    return f"{name}-{workspace_key(CONFIG.texts[name].model_dump())}"


def code_of(command):
    """Params function: the code of a command with that of a model's kind."""
    return lambda wildcards: fingerprint(
        command, module_of(CONFIG.baselines[wildcards.model].kind)
    )


def questions(split):
    """Input function: the question files of a split, for all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/qa/{dataset}/{split}/{shard}.{targets}.{text}.jsonl.gz",
        dataset=wildcards.dataset,
        split=split,
        targets=get_targets(wildcards).kind,
        shard=CONFIG.shards(int(wildcards.scale)),
        text=CONFIG.llms[wildcards.model].text,
    )


def tiny_base(wildcards):
    """Input function: the tiny base, for a model that uses it."""
    tiny = CONFIG.llms[wildcards.model].base == "tiny"
    return list(rules.make_tiny_base.output) if tiny else []


def text_options(wildcards):
    """Params function: how a language model's questions and answers are spelled."""
    return CONFIG.texts[CONFIG.llms[wildcards.model].text].model_dump_json()


def adopted_files(wildcards):
    """Input function: the files of an adapter that was trained elsewhere."""
    folder = Path(CONFIG.llms[wildcards.model].adapter)
    needed = [folder / "adapter_model.safetensors", folder / "adapter_config.json"]
    told = [folder / "manifest.json", folder / "metrics.json"]
    return [*needed, *filter(Path.is_file, told)]


def adapter_before(wildcards):
    """Input function: the adapter of stage 1 that a model of stage 2 goes on from."""
    after = CONFIG.llms[wildcards.model].after
    return [f"results/models/{after}/manifest.json"] if after else []


# Params functions that ask for the output are compared with no earlier run: how, where and how
# closely watched a model is trained is no reason to train it again.


def training_options(wildcards, output):
    """Params function: all options of a language model."""
    return CONFIG.llms[wildcards.model].model_dump_json()


def weight_options(wildcards):
    """Params function: those options that decide the weights."""
    return json.dumps(CONFIG.llms[wildcards.model].weight_options())


def torchrun(wildcards, output):
    """Params function: the launcher of a training's processes, on one node or on several."""
    options = CONFIG.llms[wildcards.model]
    training = options.training
    each = f"--nproc-per-node {training.processes}"
    # Not the resource, which Snakemake lowers to what it may use at once.
    gpus = training.processes * gpus_of(options)
    start = f"python -m spectralm.gpus {gpus} torchrun"
    if training.nodes == 1:
        return f"{start} --standalone {each}"
    return (
        f"srun --nodes {training.nodes} --ntasks {training.nodes} --ntasks-per-node 1"
        f" {start} --nnodes {training.nodes} {each} --rdzv-backend c10d"
        " --rdzv-id $SLURM_JOB_ID --rdzv-endpoint $(hostname):$((20000 + SLURM_JOB_ID % 10000))"
    )


def gpus_of(options):
    """The GPUs of each process of a language model."""
    return int(options.device == "auto")


def training_gpus(wildcards):
    """Resource: the GPUs of a training on all its nodes."""
    options = CONFIG.llms[wildcards.model]
    return options.training.processes * options.training.nodes * gpus_of(options)


def answering_gpus(wildcards):
    """Resource: the GPUs of a language model's calibration or prediction."""
    return gpus_of(CONFIG.llms[wildcards.model])


def baseline_gpus(wildcards):
    """Resource: a GPU for networks, none for what needs none."""
    kind = module_of(CONFIG.baselines[wildcards.model].kind)
    return int("spectralm.baselines.network" in import_closure(kind))


def base(wildcards):
    """The folder or hub id of a model's base."""
    return (tiny_base(wildcards) or [CONFIG.llms[wildcards.model].base])[0]


def question_rejects(wildcards):
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


def all_shards(kind):
    """Input function: the files of a kind of every shard of a dataset that anything uses."""
    return lambda wildcards: expand(
        "results/{kind}/{dataset}/{shard}.parquet",
        kind=kind,
        dataset=wildcards.dataset,
        shard=CONFIG.shards(
            max(CONFIG.scales(wildcards.dataset), default=CONFIG.samples.external)
        ),
    )


def all_rejects(wildcards):
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
            for shard in all_shards("spectra")(wildcards)
        ),
        *question_rejects(wildcards),
    ]


def runs_at(dataset, files):
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


def outside_of(run):
    """The residuals of a run against the surveys that judge from outside."""
    return [f"results/residuals/{run}/{dataset}.parquet" for dataset in CONFIG.external]


def manifest_of(run):
    """What is known of a run's model."""
    return [f"results/models/{run}/manifest.json"]


def of_runs(runs, files):
    """Files of runs."""
    return [path for run in runs for path in files(run)]


def largest(learned):
    """The runs at the largest scale of a dataset, which surveys from outside judge."""
    scale = max(CONFIG.scales(learned), default=0)
    return [run for run in CONFIG.runs_on(learned) if run.scale == scale]


def external_samples(datasets):
    """The manifests of surveys that judge from outside."""
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
    """The runs that learned from a dataset here; of others, the number of spectra is not known."""
    return [run for run in CONFIG.runs_on(dataset) if run.model not in ADOPTED]


def template(name):
    """A file of the report's wing that is no code, such as a template."""
    return str(source("spectralm.report").with_name(name))


def answered(kind):
    """Input function: files of a kind of all shards of all datasets that judge a run."""

    def files(wildcards):
        run = "{model}-{dataset}-{scale}".format(**wildcards)
        others = CONFIG.external if run in map(str, largest(wildcards.dataset)) else []
        return shard_files(kind)(wildcards) + expand(
            "results/{kind}/{dataset}/{shard}.parquet",
            kind=kind.format(**wildcards),
            dataset=others,
            shard=CONFIG.shards(CONFIG.samples.external),
        )

    return files


def cards():
    """A card beside each adapter that was trained here, and one beside the questions of each
    dataset."""
    runs = [run for run in CONFIG.runs if run.model in CONFIG.llms]
    return [
        *(
            f"results/models/{run}/README.md"
            for run in runs
            if run.model not in ADOPTED
        ),
        *(
            f"results/qa/{name}/README.md"
            for name in sorted({run.dataset for run in runs})
        ),
    ]


def shown(path):
    """A table or figure, marked for `snakemake --report` with its name and wildcards."""
    folder, name = path.split("/")[-2:]
    return report(
        path,
        caption="../report/exhibit.rst",
        category=folder.capitalize(),
        labels={"what": name.partition("-")[0].partition(".")[0]}
        | {each: f"{{{each}}}" for each in re.findall(r"{(\w+)}", name)},
    )


def benchmark_patterns(wildcards):
    """Params function: the regular expression of the paths of each rule's benchmarks."""
    timed = (rule for rule in workflow.rules if rule.benchmark)
    return json.dumps({rule.name: rule.benchmark.regex().pattern for rule in timed})


def statistics_options(*more):
    """The options of statistics and captions, and of what else a rule names, as JSON."""
    names = {"resamples", "seed", "interval", "outlier_sigmas", "failed", "note", *more}
    return CONFIG.evaluation.model_dump_json(include=names)


def as_arguments(wildcards, input):
    """Params function: the input files by kind, as options of a command."""
    return " ".join(
        f"--{kind} {shlex.join([files] if isinstance(files, str) else files)}"
        for kind, files in input.items()
        if files and kind not in ("style", "template")
    )


def exhibit_modules():
    """All modules of tables and figures, whose titles and captions the report shows."""
    return [
        f"spectralm.evaluation.{package}.{path.stem}"
        for package in ("tables", "figures")
        for path in sorted(
            source(f"spectralm.evaluation.{package}").parent.glob("[a-z]*.py")
        )
    ]
