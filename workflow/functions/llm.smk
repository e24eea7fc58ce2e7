# Functions of the rules of llm.smk.


def get_questions(split):
    """Input function: the question files of a split, for all shards of a run's scale."""
    return lambda wildcards: expand(
        "results/qa/{dataset}/{split}/{shard}.{targets}.{text}.jsonl.gz",
        dataset=wildcards.dataset,
        split=split,
        targets=get_targets(wildcards).kind,
        shard=CONFIG.shards(int(wildcards.scale)),
        text=CONFIG.llms[wildcards.model].text,
    )


def get_spectra_read_in(wildcards):
    """Input function: the spectra of all shards of a run's scale, for soft tokens."""
    return (
        get_shard_files("spectra")(wildcards)
        if CONFIG.llms[wildcards.model].read_in
        else []
    )


def get_spectra_argument(wildcards, input):
    """Params function: the spectra of a rule's input as an argument, for soft tokens."""
    return f"--spectra {input.spectra}" if input.spectra else ""


def get_tiny_base(wildcards):
    """Input function: the tiny base, for a model that uses it."""
    tiny = CONFIG.llms[wildcards.model].base == "tiny"
    return list(rules.make_tiny_base.output) if tiny else []


def get_base(wildcards):
    """The folder or hub id of a model's base."""
    return (get_tiny_base(wildcards) or [CONFIG.llms[wildcards.model].base])[0]


def get_text_options(wildcards):
    """Params function: how a language model's questions and answers are spelled."""
    return CONFIG.texts[CONFIG.llms[wildcards.model].text].model_dump_json()


def get_adopted_files(wildcards):
    """Input function: the files of an adapter that was trained elsewhere."""
    folder = Path(CONFIG.llms[wildcards.model].adapter)
    needed = [folder / "adapter_model.safetensors", folder / "adapter_config.json"]
    optional = [folder / "manifest.json", folder / "metrics.json"]
    return [*needed, *filter(Path.is_file, optional)]


def get_adapter_before(wildcards):
    """Input function: the adapter of stage 1 that a model of stage 2 continues from."""
    after = CONFIG.llms[wildcards.model].after
    return [f"results/models/{after}/manifest.json"] if after else []


# Params functions that take the output are not compared with earlier runs: how, where and how often
# watched a model is trained is no reason to train it again.


def get_training_options(wildcards, output):
    """Params function: all options of a language model."""
    return CONFIG.llms[wildcards.model].model_dump_json()


def get_weight_options(wildcards):
    """Params function: those options that decide the weights."""
    return json.dumps(CONFIG.llms[wildcards.model].weight_options())


def get_launcher(wildcards, output):
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


def get_training_gpus(wildcards):
    """Resource: the GPUs of a training on all its nodes."""
    options = CONFIG.llms[wildcards.model]
    return options.training.world_size * gpus_of(options)


def get_answering_gpus(wildcards):
    """Resource: the GPUs of a language model's calibration or prediction."""
    return gpus_of(CONFIG.llms[wildcards.model])
