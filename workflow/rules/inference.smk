# Input: the spectra and manifests of the shards of a scale.
# Output: the training domain of a run, from which `spectralm predict` computes flags.


rule describe_training:
    input:
        samples=get_shard_files("samples"),
        spectra=get_shard_files("spectra"),
    output:
        "results/models/{model}-{dataset}-{scale}/training_domain.safetensors",
    log:
        "logs/training_domains/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/training_domains/{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/baselines.yaml"
    params:
        targets=get_targets,
        code=fingerprint("describe_training"),
    shell:
        "spectralm describe-training --samples {input.samples} --spectra {input.spectra}"
        " --targets {params.targets} --out {output} > {log} 2>&1"
