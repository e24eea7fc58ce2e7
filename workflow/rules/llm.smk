# Input: questions and answers of the shards of a scale, and a base model.
# Output: an adapter with metrics and manifest, and its answers to the test questions.

#: Models with an adapter that was trained elsewhere.
ADOPTED = [name for name, model in CONFIG.llms.items() if model.adapter is not None]


rule make_tiny_base:
    output:
        directory("results/models/tiny_base"),
    log:
        "logs/models/tiny_base.log",
    benchmark:
        "benchmarks/models/tiny_base.tsv"
    conda:
        "../envs/llm.yaml"
    params:
        options=CONFIG.tiny.model_dump_json(),
        code=fingerprint("make_tiny_base"),
    shell:
        "spectralm make-tiny-base --options {params.options:q} --out {output} > {log} 2>&1"


rule train_llm:
    # Unfinished trainings are in the workspaces folder, which Snakemake does not delete. The outputs
    # are written at the end.
    input:
        base=get_tiny_base,
        after=get_adapter_before,
        train=get_questions("train"),
        validation=get_questions("validation"),
        spectra=get_spectra_read_in,
    output:
        adapter="results/models/{model}-{dataset}-{scale}/adapter_model.safetensors",
        config="results/models/{model}-{dataset}-{scale}/adapter_config.json",
        metrics="results/models/{model}-{dataset}-{scale}/metrics.json",
        manifest="results/models/{model}-{dataset}-{scale}/manifest.json",
    log:
        "logs/models/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/models/{model}-{dataset}-{scale}.tsv"
    wildcard_constraints:
        model=any_of(name for name in CONFIG.llms if name not in ADOPTED),
    priority: 1  # the longest job must not wait for small ones
    conda:
        "../envs/llm.yaml"
    threads: 8
    resources:
        gpu=get_training_gpus,
        nodes=lambda wildcards: CONFIG.llms[wildcards.model].training.nodes,
    params:
        base=get_base,
        after=lambda wildcards, input: " ".join(
            f"--after {os.path.dirname(manifest)}" for manifest in input.after
        ),
        spectra=get_spectra_argument,
        targets=get_targets,
        options=get_training_options,
        weight_options=get_weight_options,
        torchrun=get_launcher,
        text=get_text_options,
        grid=CONFIG.spectra.model_dump_json(),
        workspaces=CONFIG.workspaces,
        out="results/models/{model}-{dataset}-{scale}",
        tensorboard="logs/models/{model}-{dataset}-{scale}",
        code=lambda wildcards: weights_code(CONFIG.llms[wildcards.model]),
    shell:
        "{params.torchrun} -m spectralm train-llm"
        " --train-questions {input.train} --validation-questions {input.validation} {params.spectra}"
        " --base {params.base:q} --targets {params.targets} {params.after}"
        " --options {params.options:q}"
        " --text {params.text:q} --grid {params.grid:q}"
        " --workspaces {params.workspaces:q} --tensorboard {params.tensorboard}"
        " --out {params.out} > {log} 2>&1"


rule adopt_adapter:
    input:
        base=get_tiny_base,
        files=get_adopted_files,
    output:
        adapter="results/models/{model}-{dataset}-{scale}/adapter_model.safetensors",
        config="results/models/{model}-{dataset}-{scale}/adapter_config.json",
        metrics="results/models/{model}-{dataset}-{scale}/metrics.json",
        manifest="results/models/{model}-{dataset}-{scale}/manifest.json",
    log:
        "logs/models/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/models/{model}-{dataset}-{scale}.tsv"
    wildcard_constraints:
        model=any_of(ADOPTED),
    conda:
        "../envs/llm.yaml"
    params:
        adapter=lambda wildcards: CONFIG.llms[wildcards.model].adapter,
        base=get_base,
        targets=get_targets,
        options=lambda wildcards: CONFIG.llms[wildcards.model].model_dump_json(),
        text=get_text_options,
        grid=CONFIG.spectra.model_dump_json(),
        out="results/models/{model}-{dataset}-{scale}",
        code=fingerprint("adopt_adapter"),
    shell:
        "spectralm adopt-adapter --adapter {params.adapter:q} --base {params.base:q}"
        " --targets {params.targets} --options {params.options:q} --text {params.text:q}"
        " --grid {params.grid:q} --out {params.out} > {log} 2>&1"


rule calibrate_llm:
    # Errors of answers, calibrated on validation questions, which are not trained on.
    input:
        base=get_tiny_base,
        manifest="results/models/{model}-{dataset}-{scale}/manifest.json",
        questions=get_questions("validation"),
        spectra=get_spectra_read_in,
    output:
        "results/models/{model}-{dataset}-{scale}/calibration.json",
    log:
        "logs/calibration/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/calibration/{model}-{dataset}-{scale}.tsv"
    wildcard_constraints:
        model=any_of(CONFIG.llms),
    conda:
        "../envs/llm.yaml"
    threads: 4
    resources:
        gpu=get_answering_gpus,
    params:
        base=get_base,
        model=lambda wildcards, input: os.path.dirname(input.manifest),
        options=lambda wildcards: CONFIG.llms[wildcards.model].model_dump_json(
            exclude={"training", "lora", "after", "adapter"}
        ),
        text=get_text_options,
        spectra=get_spectra_argument,
        code=fingerprint("calibrate_llm"),
    shell:
        "python -m spectralm.gpus {resources.gpu}"
        " spectralm calibrate-llm --model {params.model} --base {params.base:q}"
        " --options {params.options:q} --text {params.text:q}"
        " --questions {input.questions} {params.spectra} --out {output} > {log} 2>&1"


rule predict_llm:
    input:
        base=get_tiny_base,
        manifest="results/models/{model}-{learned}-{scale}/manifest.json",
        calibration="results/models/{model}-{learned}-{scale}/calibration.json",
        questions=lambda wildcards: expand(
            "results/qa/{{dataset}}/test/{{shard}}.{targets}.{text}.jsonl.gz",
            targets=get_targets(wildcards).kind,
            text=CONFIG.llms[wildcards.model].text,
        ),
        spectra=lambda wildcards: (
            [f"results/spectra/{wildcards.dataset}/{wildcards.shard}.parquet"]
            if CONFIG.llms[wildcards.model].read_in
            else []
        ),
    output:
        "results/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.parquet",
    log:
        "logs/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.tsv"
    wildcard_constraints:
        model=any_of(CONFIG.llms),
    conda:
        "../envs/llm.yaml"
    threads: 4
    resources:
        gpu=get_answering_gpus,
    params:
        base=get_base,
        model=lambda wildcards, input: os.path.dirname(input.manifest),
        options=lambda wildcards: CONFIG.llms[wildcards.model].model_dump_json(
            exclude={"training", "lora", "after", "adapter"}
        ),
        text=get_text_options,
        spectra=get_spectra_argument,
        workspaces=CONFIG.workspaces,
        code=fingerprint("predict_llm"),
    shell:
        "python -m spectralm.gpus {resources.gpu}"
        " spectralm predict-llm --model {params.model} --base {params.base:q}"
        " --options {params.options:q} --text {params.text:q}"
        " --questions {input.questions} {params.spectra} --workspaces {params.workspaces:q}"
        " --out {output} > {log} 2>&1"
