# Input: the folders and catalogues of surveys.lamost, and the catalogues of other surveys.
# Output: a catalogue of LAMOST's spectra and, for each other survey, of the spectra of its stars; the
# rows that are cut, with reasons, and the number of rows of each cut. `snakemake catalogues` makes
# all of them.


rule index_spectra:
    # A folder of spectra is not an input, as each new night would make everything again; to include
    # new files, use -R index_spectra. The demo's sky is an input.
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


rule read_apogee:
    input:
        get_survey_catalogue("apogee"),
    output:
        stars="results/catalogues/apogee.stars.parquet",
        rejects="results/catalogues/apogee.stars.rejects.parquet",
        cuts="results/catalogues/apogee.stars.cuts.csv",
    log:
        "logs/catalogues/apogee.stars.log",
    benchmark:
        "benchmarks/catalogues/apogee.stars.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        code=fingerprint("read_apogee"),
    shell:
        "spectralm read-apogee --catalogue {input:q}"
        " --out {output.stars} --rejects {output.rejects} --cuts {output.cuts} > {log} 2>&1"


rule read_galah:
    input:
        get_survey_catalogue("galah"),
    output:
        stars="results/catalogues/galah.stars.parquet",
        rejects="results/catalogues/galah.stars.rejects.parquet",
        cuts="results/catalogues/galah.stars.cuts.csv",
    log:
        "logs/catalogues/galah.stars.log",
    benchmark:
        "benchmarks/catalogues/galah.stars.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        smallest_snr=CONFIG.surveys.galah.smallest_snr,
        code=fingerprint("read_galah"),
    shell:
        "spectralm read-galah --catalogue {input:q} --smallest-snr {params.smallest_snr}"
        " --out {output.stars} --rejects {output.rejects} --cuts {output.cuts} > {log} 2>&1"


rule read_gaia_eso:
    input:
        get_survey_catalogue("gaia_eso"),
    output:
        stars="results/catalogues/gaia_eso.stars.parquet",
        rejects="results/catalogues/gaia_eso.stars.rejects.parquet",
        cuts="results/catalogues/gaia_eso.stars.cuts.csv",
    log:
        "logs/catalogues/gaia_eso.stars.log",
    benchmark:
        "benchmarks/catalogues/gaia_eso.stars.tsv"
    conda:
        "../envs/astro.yaml"
    params:
        sun=CONFIG.surveys.gaia_eso.sun,
        code=fingerprint("read_gaia_eso"),
    shell:
        "spectralm read-gaia-eso --catalogue {input:q} --sun {params.sun}"
        " --out {output.stars} --rejects {output.rejects} --cuts {output.cuts} > {log} 2>&1"


rule crossmatch:
    input:
        catalogue=rules.build_catalogue.output.catalogue,
        stars="results/catalogues/{dataset}.stars.parquet",
    output:
        catalogue="results/catalogues/{dataset}.parquet",
        rejects="results/catalogues/{dataset}.rejects.parquet",
    log:
        "logs/catalogues/{dataset}.log",
    benchmark:
        "benchmarks/catalogues/{dataset}.tsv"
    wildcard_constraints:
        dataset="apogee|galah|gaia_eso",
    conda:
        "../envs/astro.yaml"
    params:
        options=CONFIG.surveys.crossmatch.model_dump_json(),
        code=fingerprint("crossmatch"),
    shell:
        "spectralm crossmatch --catalogue {input.catalogue} --stars {input.stars}"
        " --options {params.options:q} --out {output.catalogue} --rejects {output.rejects}"
        " > {log} 2>&1"


rule catalogues:
    input:
        rules.build_catalogue.output,
        expand("results/catalogues/{dataset}.parquet", dataset=CONFIG.surveys.others),
