# Functions of the rules of catalogue.smk.


def get_answered_files(kind):
    """Input function: files of a kind of all shards of all datasets that judge a run."""

    def files(wildcards):
        run = "{model}-{dataset}-{scale}".format(**wildcards)
        others = CONFIG.external if run in map(str, largest(wildcards.dataset)) else []
        return get_shard_files(kind)(wildcards) + expand(
            "results/{kind}/{dataset}/{shard}.parquet",
            kind=kind.format(**wildcards),
            dataset=others,
            shard=CONFIG.shards(CONFIG.samples.external),
        )

    return files


def get_serializer(wildcards):
    """How a run's spectra are spelled: a text's name and hash; none for a model of pixels."""
    if wildcards.model not in CONFIG.llms:
        return "none"
    name = CONFIG.llms[wildcards.model].text
    return f"{name}-{workspace_key(CONFIG.texts[name].model_dump())}"
