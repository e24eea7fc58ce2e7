# Functions of the rule files; no rules.


def shard_files(kind):
    """Input function: the files of a kind (samples, spectra) of all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/{kind}/{dataset}/{shard}.parquet",
        kind=kind,
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


def code_of(command):
    """Params function: the code of a command with that of a model's kind."""
    return lambda wildcards: fingerprint(
        command, KINDS[CONFIG.baselines[wildcards.model].kind][0]
    )


def questions(split):
    """Input function: the question files of a split, for all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/qa/{dataset}/{split}/{shard}.{text}.jsonl.gz",
        dataset=wildcards.dataset,
        split=split,
        shard=CONFIG.shards(int(wildcards.scale)),
        text=CONFIG.llms[wildcards.model].text,
    )


def tiny_base(wildcards):
    """Input function: the tiny base, for a model that uses it."""
    tiny = CONFIG.llms[wildcards.model].base == "tiny"
    return list(rules.make_tiny_base.output) if tiny else []


def base(wildcards):
    """The folder or hub id of a model's base."""
    return (tiny_base(wildcards) or [CONFIG.llms[wildcards.model].base])[0]


def all_rejects(wildcards):
    """Input function: every rejects table of the experiment's largest scale."""
    shards = CONFIG.shards(max(CONFIG.experiment.scales))
    models = [
        CONFIG.llms[name] for name in CONFIG.experiment.models if name in CONFIG.llms
    ]
    return [
        f"results/catalogues/{wildcards.dataset}.rejects.parquet",
        *(
            f"results/catalogues/{name}.stars.rejects.parquet"
            for name in CONFIG.surveys.others
            if name == wildcards.dataset
        ),
        *expand(
            "results/spectra/{dataset}/{shard}.rejects.parquet",
            dataset=wildcards.dataset,
            shard=shards,
        ),
        *expand(
            "results/qa/{dataset}/{shard}.{text}.rejects.parquet",
            dataset=wildcards.dataset,
            shard=shards,
            text=sorted({model.text for model in models}),
        ),
    ]
