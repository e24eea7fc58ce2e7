# Wants: a manifest shard and its spectra.
# Gives: questions and answers, a file per split, in each of the config's texts that is asked for.


rule write_questions:
    input:
        sample="results/samples/{dataset}/{shard}.parquet",
        spectra="results/spectra/{dataset}/{shard}.parquet",
    output:
        train="results/qa/{dataset}/train/{shard}.{ask}.{text}.jsonl.gz",
        validation="results/qa/{dataset}/validation/{shard}.{ask}.{text}.jsonl.gz",
        test="results/qa/{dataset}/test/{shard}.{ask}.{text}.jsonl.gz",
        rejects="results/qa/{dataset}/{shard}.{ask}.{text}.rejects.parquet",
    log:
        "logs/qa/{dataset}/{shard}.{ask}.{text}.log",
    benchmark:
        "benchmarks/qa/{dataset}/{shard}.{ask}.{text}.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        ask=lambda wildcards: (
            Ask.PARAMETERS if wildcards.ask == "parameters" else CONFIG.ask("apogee")
        ),
        text=lambda wildcards: CONFIG.texts[wildcards.text].model_dump_json(),
        grid=CONFIG.spectra.model_dump_json(),
        code=fingerprint("write_questions"),
    shell:
        "spectralm write-questions --sample {input.sample} --spectra {input.spectra}"
        " --ask {params.ask} --text {params.text:q} --grid {params.grid:q}"
        " --train {output.train} --validation {output.validation} --test {output.test}"
        " --rejects {output.rejects} > {log} 2>&1"
