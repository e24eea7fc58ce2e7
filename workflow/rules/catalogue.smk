# Input: the predictions of a run, the manifests and spectra of their shards, and the training
# domain of the run.
# Output: one catalogue, as Parquet, FITS and VOTable.


rule write_catalogue:
    input:
        predictions=get_answered_files("predictions/{model}-{dataset}-{scale}"),
        samples=get_answered_files("samples"),
        spectra=get_answered_files("spectra"),
        training_domain="results/models/{model}-{dataset}-{scale}/training_domain.safetensors",
        weights=get_weights,
    output:
        parquet="results/catalogue/{model}-{dataset}-{scale}.parquet",
        fits="results/catalogue/{model}-{dataset}-{scale}.fits",
        votable="results/catalogue/{model}-{dataset}-{scale}.vot",
    log:
        "logs/catalogue/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/catalogue/{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/baselines.yaml"
    params:
        run="{model}-{dataset}-{scale}",
        serializer=get_serializer,
        targets=get_targets,
        note=CONFIG.evaluation.note,
        code=fingerprint("write_catalogue"),
    shell:
        "spectralm write-catalogue --run {params.run} --predictions {input.predictions}"
        " --samples {input.samples} --spectra {input.spectra} --training-domain {input.training_domain}"
        " --weights {input.weights} --serializer {params.serializer} --targets {params.targets}"
        " --note={params.note:q} --parquet {output.parquet} --fits {output.fits}"
        " --votable {output.votable} > {log} 2>&1"
