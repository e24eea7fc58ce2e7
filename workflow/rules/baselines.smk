# Input: the spectra and manifests of the shards of a scale.
# Output: a model folder, and predictions for the test spectra.


rule train_baseline:
    # As for language models, unfinished trainings are in the workspaces folder.
    input:
        samples=get_shard_files("samples"),
        spectra=get_shard_files("spectra"),
    output:
        weights=directory("results/models/{model}-{dataset}-{scale}/weights"),
        metrics="results/models/{model}-{dataset}-{scale}/metrics.json",
        manifest="results/models/{model}-{dataset}-{scale}/manifest.json",
    log:
        "logs/models/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/models/{model}-{dataset}-{scale}.tsv"
    wildcard_constraints:
        model=any_of(CONFIG.baselines),
    conda:
        "../envs/baselines.yaml"
    threads: 8
    resources:
        gpu=get_baseline_gpus,
    params:
        options=lambda wildcards: CONFIG.baselines[wildcards.model].model_dump_json(),
        targets=get_targets,
        workspaces=CONFIG.workspaces,
        out="results/models/{model}-{dataset}-{scale}",
        code=get_code("train_baseline"),
    shell:
        "python -m spectralm.gpus {resources.gpu}"
        " spectralm train-baseline --samples {input.samples} --spectra {input.spectra}"
        " --targets {params.targets} --options {params.options:q} --workspaces {params.workspaces:q}"
        " --out {params.out} > {log} 2>&1"


rule predict_baseline:
    input:
        manifest="results/models/{model}-{learned}-{scale}/manifest.json",
        weights="results/models/{model}-{learned}-{scale}/weights",
        sample="results/samples/{dataset}/{shard}.parquet",
        spectra="results/spectra/{dataset}/{shard}.parquet",
    output:
        "results/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.parquet",
    log:
        "logs/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/predictions/{model}-{learned}-{scale}/{dataset}/{shard}.tsv"
    wildcard_constraints:
        model=any_of(CONFIG.baselines),
    conda:
        "../envs/baselines.yaml"
    resources:
        gpu=get_baseline_gpus,
    params:
        model=lambda wildcards, input: os.path.dirname(input.manifest),
        code=get_code("predict_baseline"),
    shell:
        "python -m spectralm.gpus {resources.gpu}"
        " spectralm predict-baseline --model {params.model} --sample {input.sample}"
        " --spectra {input.spectra} --out {output} > {log} 2>&1"
