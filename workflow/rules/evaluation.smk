# Wants: predictions of every run, manifests and rejects.
# Gives: residuals, tables and figures; `snakemake tables` and `snakemake figures` make those alone.


rule compute_residuals:
    input:
        samples=shard_files("samples"),
        spectra=shard_files("spectra"),
        predictions=lambda wildcards: expand(
            "results/predictions/{{model}}-{{dataset}}-{{scale}}/{{dataset}}/{shard}.parquet",
            shard=CONFIG.shards(int(wildcards.scale)),
        ),
        bound=CONFIG.evaluation.bound or [],
    output:
        "results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
    log:
        "logs/residuals/{model}-{dataset}-{scale}/{dataset}.log",
    benchmark:
        "benchmarks/residuals/{model}-{dataset}-{scale}/{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        bound=f"--bound {CONFIG.evaluation.bound}" if CONFIG.evaluation.bound else "",
        code=fingerprint("compute_residuals"),
    shell:
        "spectralm compute-residuals --samples {input.samples} --spectra {input.spectra}"
        " --predictions {input.predictions} {params.bound} --out {output} > {log} 2>&1"


rule tabulate_residuals:
    input:
        lambda wildcards: expand(
            "results/residuals/{model}-{{dataset}}-{{scale}}/{{dataset}}.parquet",
            model=CONFIG.experiment.models,
        ),
    output:
        csv="results/tables/residuals-{dataset}-{scale}.csv",
        markdown="results/tables/residuals-{dataset}-{scale}.md",
        latex="results/tables/residuals-{dataset}-{scale}.tex",
    log:
        "logs/tables/residuals-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/residuals-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        options=CONFIG.evaluation.model_dump_json(),
        caption="Residuals (model minus survey) on the test spectra of a sample of {scale} spectra"
        " from {dataset}.",
        code=fingerprint("tabulate_residuals"),
    shell:
        "spectralm tabulate-residuals --residuals {input} --options {params.options:q}"
        " --caption {params.caption:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule tabulate_rejects:
    input:
        all_rejects,
    output:
        "results/tables/rejects-{dataset}.csv",
    log:
        "logs/tables/rejects-{dataset}.log",
    benchmark:
        "benchmarks/tables/rejects-{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        code=fingerprint("tabulate_rejects"),
    shell:
        "spectralm tabulate-rejects --rejects {input} --out {output} > {log} 2>&1"


rule plot_residuals:
    input:
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        style=str(source("spectralm.evaluation.style").with_name("spectralm.mplstyle")),
    output:
        pdf="results/figures/residuals-{model}-{dataset}-{scale}.pdf",
        png="results/figures/residuals-{model}-{dataset}-{scale}.png",
    log:
        "logs/figures/residuals-{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/residuals-{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        code=fingerprint("plot_residuals"),
    shell:
        "spectralm plot-residuals --residuals {input.residuals} --pdf {output.pdf} --png {output.png}"
        " > {log} 2>&1"


rule plot_residual_histograms:
    input:
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        style=str(source("spectralm.evaluation.style").with_name("spectralm.mplstyle")),
    output:
        pdf="results/figures/histograms-{model}-{dataset}-{scale}.pdf",
        png="results/figures/histograms-{model}-{dataset}-{scale}.png",
    log:
        "logs/figures/histograms-{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/histograms-{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        code=fingerprint("plot_residual_histograms"),
    shell:
        "spectralm plot-residual-histograms --residuals {input.residuals} --pdf {output.pdf}"
        " --png {output.png} > {log} 2>&1"


rule tables:
    input:
        expand(
            "results/tables/residuals-lamost-{scale}.md",
            scale=CONFIG.experiment.scales,
        ),
        "results/tables/sample-lamost.csv",
        "results/tables/rejects-lamost.csv",


rule figures:
    input:
        expand(
            "results/figures/{figure}-{run}.png",
            figure=["residuals", "histograms"],
            run=CONFIG.runs,
        ),
