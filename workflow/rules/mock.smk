# Input: none.
# Output: a synthetic sky in the file formats of the surveys; the rules that read it read real data
# in the same way.


rule make_sky:
    output:
        spectra=directory("results/sky/lamost"),
        afgk="results/sky/dr11_v1.1_LRS_stellar.fits.gz",
        m="results/sky/dr11_v1.1_LRS_mstellar.fits.gz",
        apogee="results/sky/allStar-r12-l33.fits",
        galah="results/sky/galah_dr4_allstar_240705.fits",
        gaia_eso="results/sky/GES_DR5_1_V1.fits",
        truth="results/sky/truth.parquet",
        floor=expand(
            "results/sky/floor/{dataset}.parquet",
            dataset=["lamost", "apogee", "galah", "gaia_eso"],
        ),
    log:
        "logs/sky.log",
    benchmark:
        "benchmarks/sky.tsv"
    conda:
        "../envs/astro.yaml"
    threads: 2
    params:
        options=CONFIG.mock.model_dump_json(),
        out=lambda wildcards, output: os.path.dirname(output.truth),
        code=fingerprint("make_sky"),
    shell:
        "OMP_NUM_THREADS=1 spectralm make-sky --options {params.options:q} --out {params.out}"
        " --processes {threads} > {log} 2>&1"
