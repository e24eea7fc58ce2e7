# Input: a catalogue.
# Output: the split and shard of each spectrum, the same for all scales, and the manifests of shards.
# A star is in the same split in every dataset.


rule assign_shards:
    input:
        "results/catalogues/{dataset}.parquet",
    output:
        "results/samples/{dataset}.parquet",
    log:
        "logs/samples/{dataset}.log",
    benchmark:
        "benchmarks/samples/{dataset}.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.samples.model_dump_json(),
        strata=get_strata,
        code=fingerprint("assign_shards"),
    shell:
        "spectralm assign-shards --catalogue {input} --options {params.options:q}"
        " --strata {params.strata} --out {output} > {log} 2>&1"


rule draw_shard:
    input:
        catalogue="results/catalogues/{dataset}.parquet",
        assignment="results/samples/{dataset}.parquet",
    output:
        "results/samples/{dataset}/{shard}.parquet",
    log:
        "logs/samples/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/samples/{dataset}/{shard}.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.samples.model_dump_json(),
        strata=get_strata,
        code=fingerprint("draw_shard"),
    shell:
        "spectralm draw-shard --catalogue {input.catalogue} --assignment {input.assignment}"
        " --shard {wildcards.shard} --options {params.options:q} --strata {params.strata}"
        " --out {output} > {log} 2>&1"
