# Input: a manifest shard and its spectra.
# Output: questions and answers, a file per split, in each text that a model of the experiment uses.


rule write_questions:
    input:
        sample="results/samples/{dataset}/{shard}.parquet",
        spectra="results/spectra/{dataset}/{shard}.parquet",
    output:
        train="results/qa/{dataset}/train/{shard}.{targets}.{text}.jsonl.gz",
        validation="results/qa/{dataset}/validation/{shard}.{targets}.{text}.jsonl.gz",
        test="results/qa/{dataset}/test/{shard}.{targets}.{text}.jsonl.gz",
        rejects="results/qa/{dataset}/{shard}.{targets}.{text}.rejects.parquet",
    log:
        "logs/qa/{dataset}/{shard}.{targets}.{text}.log",
    benchmark:
        "benchmarks/qa/{dataset}/{shard}.{targets}.{text}.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        targets=lambda wildcards: (
            Targets.PARAMETERS
            if wildcards.targets == "parameters"
            else CONFIG.targets("apogee")
        ),
        text=lambda wildcards: CONFIG.texts[wildcards.text].model_dump_json(),
        grid=CONFIG.spectra.model_dump_json(),
        code=fingerprint("write_questions"),
    shell:
        "spectralm write-questions --sample {input.sample} --spectra {input.spectra}"
        " --targets {params.targets} --text {params.text:q} --grid {params.grid:q}"
        " --train {output.train} --validation {output.validation} --test {output.test}"
        " --rejects {output.rejects} > {log} 2>&1"
