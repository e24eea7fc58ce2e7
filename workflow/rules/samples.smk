# Wants: a catalogue.
# Gives: a ranking of all its spectra that no scale changes, and the shards drawn from it. A star is
# in the same split in every dataset.


rule rank_sample:
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
        deal=deal,
        code=fingerprint("rank_sample"),
    shell:
        "spectralm rank-sample --catalogue {input} --options {params.options:q}"
        " --deal {params.deal} --out {output} > {log} 2>&1"


rule draw_shard:
    input:
        catalogue="results/catalogues/{dataset}.parquet",
        ranking="results/samples/{dataset}.parquet",
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
        deal=deal,
        code=fingerprint("draw_shard"),
    shell:
        "spectralm draw-shard --catalogue {input.catalogue} --ranking {input.ranking}"
        " --shard {wildcards.shard} --options {params.options:q} --deal {params.deal}"
        " --out {output} > {log} 2>&1"


rule tabulate_sample:
    input:
        "results/samples/{dataset}.parquet",
    output:
        shown("results/tables/sample-{dataset}.csv"),
    log:
        "logs/tables/sample-{dataset}.log",
    benchmark:
        "benchmarks/tables/sample-{dataset}.tsv"
    wildcard_constraints:
        dataset="lamost",
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.samples.model_dump_json(),
        scales=CONFIG.scales("lamost"),
        code=fingerprint("tabulate_sample"),
    shell:
        "spectralm tabulate-sample --ranking {input} --options {params.options:q}"
        " --scales {params.scales} --out {output} > {log} 2>&1"
