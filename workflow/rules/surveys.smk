# Wants: the folders and catalogues of surveys.lamost.
# Gives: one canonical catalogue, every row that was cut with its reason, and a count of the cuts.


rule index_spectra:
    # New files in a folder of spectra do not show in a path: -R index_spectra looks again. A
    # mirror is no input, since each new night in it would make everything again.
    input:
        [folder for folder in CONFIG.surveys.lamost.spectra if made_here(folder)],
    output:
        "results/catalogues/files.parquet",
    log:
        "logs/catalogues/files.log",
    benchmark:
        "benchmarks/catalogues/files.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        folders=CONFIG.surveys.lamost.spectra,
        code=fingerprint("index_spectra"),
    shell:
        "spectralm index-spectra --folders {params.folders:q} --out {output} > {log} 2>&1"


rule build_catalogue:
    input:
        files=rules.index_spectra.output,
        catalogues=CONFIG.surveys.lamost.catalogues,
    output:
        catalogue="results/catalogues/lamost.parquet",
        rejects="results/catalogues/lamost.rejects.parquet",
        cuts="results/catalogues/lamost.cuts.csv",
    log:
        "logs/catalogues/lamost.log",
    benchmark:
        "benchmarks/catalogues/lamost.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.surveys.lamost.cuts.model_dump_json(),
        code=fingerprint("build_catalogue"),
    shell:
        "spectralm build-catalogue --files {input.files} --catalogues {input.catalogues:q}"
        " --options {params.options:q}"
        " --out {output.catalogue} --rejects {output.rejects} --cuts {output.cuts} > {log} 2>&1"
