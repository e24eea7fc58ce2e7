# Input: the manifest of a shard, and its FITS files.
# Output: their flux on the grid, and the spectra that are refused, with reasons.


rule resample_spectra:
    input:
        "results/samples/{dataset}/{shard}.parquet",
    output:
        spectra="results/spectra/{dataset}/{shard}.parquet",
        rejects="results/spectra/{dataset}/{shard}.rejects.parquet",
    log:
        "logs/spectra/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/spectra/{dataset}/{shard}.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.spectra.model_dump_json(),
        code=fingerprint("resample_spectra"),
    shell:
        "spectralm resample-spectra --sample {input} --options {params.options:q}"
        " --out {output.spectra} --rejects {output.rejects} > {log} 2>&1"
