# Wants: predictions of every run, manifests and rejects.
# Gives: residuals, tables and figures; `snakemake tables` and `snakemake figures` make those alone.


rule compute_residuals:
    input:
        samples=judged("samples"),
        spectra=judged("spectra"),
        predictions=judged("predictions/{model}-{learned}-{scale}"),
        bound=CONFIG.evaluation.bound or [],
    output:
        "results/residuals/{model}-{learned}-{scale}/{dataset}.parquet",
    log:
        "logs/residuals/{model}-{learned}-{scale}/{dataset}.log",
    benchmark:
        "benchmarks/residuals/{model}-{learned}-{scale}/{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        targets=get_targets,
        bound=f"--bound {CONFIG.evaluation.bound}" if CONFIG.evaluation.bound else "",
        code=fingerprint("compute_residuals"),
    shell:
        "spectralm compute-residuals --samples {input.samples} --spectra {input.spectra}"
        " --predictions {input.predictions} {params.bound} --targets {params.targets}"
        " --out {output} > {log} 2>&1"


rule tabulate_residuals:
    input:
        residuals_at,
    output:
        csv=shown("results/tables/residuals-{dataset}-{scale}.csv"),
        markdown="results/tables/residuals-{dataset}-{scale}.md",
        latex="results/tables/residuals-{dataset}-{scale}.tex",
    log:
        "logs/tables/residuals-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/residuals-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options(),
        caption=caption(
            "Residuals (model minus survey) on the test spectra of a sample of {scale} spectra"
            " from {dataset}."
        ),
        code=fingerprint("tabulate_residuals"),
    shell:
        "spectralm tabulate-residuals --residuals {input} --options {params.options:q}"
        " --caption {params.caption:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule tabulate_rejects:
    input:
        all_rejects,
    output:
        shown("results/tables/rejects-{dataset}.csv"),
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
        style=STYLE,
    output:
        pdf="results/figures/residuals-{model}-{dataset}-{scale}.pdf",
        png=shown("results/figures/residuals-{model}-{dataset}-{scale}.png"),
    log:
        "logs/figures/residuals-{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/residuals-{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        caption=caption(
            "Test spectra of a sample of {scale} spectra from {dataset}.",
            CONFIG.evaluation.note,
        ),
        code=fingerprint("plot_residuals"),
    shell:
        "spectralm plot-residuals --residuals {input.residuals} --caption {params.caption:q}"
        " --pdf {output.pdf} --png {output.png} > {log} 2>&1"


rule plot_external:
    # The paper's figures 1 to 6 (runs on lamost), 7 and 8 (runs on apogee).
    input:
        residuals="results/residuals/{model}-{learned}-{scale}/{dataset}.parquet",
        samples=lambda wildcards: external_samples(wildcards.dataset),
        style=STYLE,
    output:
        pdf="results/figures/{dataset}-{model}-{learned}-{scale}.pdf",
        png=shown("results/figures/{dataset}-{model}-{learned}-{scale}.png"),
    log:
        "logs/figures/{dataset}-{model}-{learned}-{scale}.log",
    benchmark:
        "benchmarks/figures/{dataset}-{model}-{learned}-{scale}.tsv"
    wildcard_constraints:
        dataset="galah|gaia_eso",
    conda:
        "../envs/plots.yaml"
    params:
        note=CONFIG.evaluation.note,
        code=fingerprint("plot_external"),
    shell:
        "spectralm plot-external --residuals {input.residuals} --samples {input.samples}"
        " --note={params.note:q} --pdf {output.pdf} --png {output.png} > {log} 2>&1"


rule plot_residual_histograms:
    input:
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        style=STYLE,
    output:
        pdf="results/figures/histograms-{model}-{dataset}-{scale}.pdf",
        png=shown("results/figures/histograms-{model}-{dataset}-{scale}.png"),
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


rule tabulate_comparison:
    # Ours beside the paper's: table 2 (the LLM), 3 (all models) and 4 (the LLM and ResNet-50).
    input:
        published=lambda wildcards: paper_table(wildcards.number),
        residuals=lambda wildcards: of_runs(
            compared_runs(wildcards.number)[1], "residuals"
        ),
        manifests=lambda wildcards: of_runs(
            compared_runs(wildcards.number)[1], "manifests"
        ),
    output:
        csv=shown("results/tables/table{number}.csv"),
        markdown="results/tables/table{number}.md",
        latex="results/tables/table{number}.tex",
    log:
        "logs/tables/table{number}.log",
    benchmark:
        "benchmarks/tables/table{number}.tsv"
    wildcard_constraints:
        number="[234]",
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options("published", "failed"),
        scale=lambda wildcards: compared_runs(wildcards.number)[0],
        code=fingerprint("tabulate_comparison"),
    shell:
        "spectralm tabulate-comparison --published {input.published}"
        " --residuals {input.residuals} --manifests {input.manifests} --dataset lamost"
        " --scale {params.scale} --options {params.options:q} --csv {output.csv}"
        " --markdown {output.markdown} --latex {output.latex} > {log} 2>&1"


rule tabulate_labels:
    # The paper's table 1.
    input:
        catalogue="results/catalogues/apogee.parquet",
        published=paper_table(1),
    output:
        csv=shown("results/tables/table1.csv"),
        markdown="results/tables/table1.md",
        latex="results/tables/table1.tex",
    log:
        "logs/tables/table1.log",
    benchmark:
        "benchmarks/tables/table1.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        note=CONFIG.evaluation.note,
        code=fingerprint("tabulate_labels"),
    shell:
        "spectralm tabulate-labels --catalogue {input.catalogue} --published {input.published}"
        " --note={params.note:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule tabulate_abundances:
    # Ours beside the paper's: table 5 (mean and sigma) and 6 (root mean square).
    input:
        published=lambda wildcards: paper_table(wildcards.number),
        residuals=of_runs(largest("apogee"), "residuals"),
    output:
        csv=shown("results/tables/table{number}.csv"),
        markdown="results/tables/table{number}.md",
        latex="results/tables/table{number}.tex",
    log:
        "logs/tables/table{number}.log",
    benchmark:
        "benchmarks/tables/table{number}.tsv"
    wildcard_constraints:
        number="[56]",
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options("published", "failed"),
        scale=max(CONFIG.scales("apogee"), default=0),
        targets=CONFIG.targets("apogee"),
        code=fingerprint("tabulate_abundances"),
    shell:
        "spectralm tabulate-abundances --published {input.published}"
        " --residuals {input.residuals} --dataset apogee --scale {params.scale}"
        " --targets {params.targets} --options {params.options:q} --csv {output.csv}"
        " --markdown {output.markdown} --latex {output.latex} > {log} 2>&1"


rule tabulate_external:
    # Ours beside the paper's against Gaia-ESO and GALAH: table 7 (stage 1) and 8 (stage 2).
    input:
        published=lambda wildcards: paper_table(wildcards.number),
        residuals=lambda wildcards: outside(largest(LEARNED[wildcards.number])),
        samples=external_samples(CONFIG.external),
    output:
        csv=shown("results/tables/table{number}.csv"),
        markdown="results/tables/table{number}.md",
        latex="results/tables/table{number}.tex",
    log:
        "logs/tables/table{number}.log",
    benchmark:
        "benchmarks/tables/table{number}.tsv"
    wildcard_constraints:
        number="[78]",
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options("published", "failed"),
        learned=lambda wildcards: LEARNED[wildcards.number],
        scale=lambda wildcards: max(CONFIG.scales(LEARNED[wildcards.number]), default=0),
        targets=lambda wildcards: CONFIG.targets(LEARNED[wildcards.number]),
        code=fingerprint("tabulate_external"),
    shell:
        "spectralm tabulate-external --published {input.published}"
        " --residuals {input.residuals} --samples {input.samples} --learned {params.learned}"
        " --scale {params.scale} --targets {params.targets} --options {params.options:q} --csv {output.csv}"
        " --markdown {output.markdown} --latex {output.latex} > {log} 2>&1"


rule tabulate_elements:
    input:
        residuals=residuals_at,
        outside=outside_at,
    output:
        csv=shown("results/tables/elements-{dataset}-{scale}.csv"),
        markdown="results/tables/elements-{dataset}-{scale}.md",
        latex="results/tables/elements-{dataset}-{scale}.tex",
    log:
        "logs/tables/elements-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/elements-{dataset}-{scale}.tsv"
    wildcard_constraints:
        dataset="apogee",
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options("well_determined", "weak"),
        caption=caption(
            "What models of a sample of {scale} spectra from {dataset} know of each element."
        ),
        code=fingerprint("tabulate_elements"),
    shell:
        "spectralm tabulate-elements --residuals {input.residuals} --outside {input.outside}"
        " --options {params.options:q} --caption {params.caption:q} --csv {output.csv}"
        " --markdown {output.markdown} --latex {output.latex} > {log} 2>&1"


rule tabulate_confusion:
    input:
        residuals_at,
    output:
        csv=shown("results/tables/confusion-{dataset}-{scale}.csv"),
        markdown="results/tables/confusion-{dataset}-{scale}.md",
        latex="results/tables/confusion-{dataset}-{scale}.tex",
    log:
        "logs/tables/confusion-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/confusion-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        caption=caption(
            "Spectral classes of the test spectra of a sample of {scale} spectra from {dataset}."
        ),
        note=CONFIG.evaluation.note,
        code=fingerprint("tabulate_confusion"),
    shell:
        "spectralm tabulate-confusion --residuals {input} --caption {params.caption:q}"
        " --note={params.note:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule plot_confusion:
    input:
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        style=STYLE,
    output:
        pdf="results/figures/confusion-{model}-{dataset}-{scale}.pdf",
        png=shown("results/figures/confusion-{model}-{dataset}-{scale}.png"),
    log:
        "logs/figures/confusion-{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/confusion-{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        caption=caption(
            "Share of each of the survey's classes that the model takes for each class, and the"
            " number of test spectra.",
            CONFIG.evaluation.note,
        ),
        code=fingerprint("plot_confusion"),
    shell:
        "spectralm plot-confusion --residuals {input.residuals} --caption {params.caption:q}"
        " --pdf {output.pdf} --png {output.png} > {log} 2>&1"


rule tabulate_calibration:
    input:
        residuals_at,
    output:
        csv=shown("results/tables/calibration-{dataset}-{scale}.csv"),
        markdown="results/tables/calibration-{dataset}-{scale}.md",
        latex="results/tables/calibration-{dataset}-{scale}.tex",
    log:
        "logs/tables/calibration-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/calibration-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        caption=caption(
            "Errors that models tell, on the test spectra of a sample of {scale} spectra from"
            " {dataset}."
        ),
        note=CONFIG.evaluation.note,
        code=fingerprint("tabulate_calibration"),
    shell:
        "spectralm tabulate-calibration --residuals {input} --caption {params.caption:q}"
        " --note={params.note:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule plot_calibration:
    input:
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        style=STYLE,
    output:
        pdf="results/figures/calibration-{model}-{dataset}-{scale}.pdf",
        png=shown("results/figures/calibration-{model}-{dataset}-{scale}.png"),
    log:
        "logs/figures/calibration-{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/calibration-{model}-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        caption=caption(
            "Above: probability integral transforms of the survey's values in the model's normal"
            " distributions, flat where errors are right; grey: two sigmas of a flat histogram."
            " Below each: share of test spectra within central intervals of each probability.",
            CONFIG.evaluation.note,
        ),
        code=fingerprint("plot_calibration"),
    shell:
        "spectralm plot-calibration --residuals {input.residuals} --caption {params.caption:q}"
        " --pdf {output.pdf} --png {output.png} > {log} 2>&1"


rule tabulate_scaling:
    input:
        residuals=of_runs(trained_here("lamost"), "residuals"),
        manifests=of_runs(trained_here("lamost"), "manifests"),
        published=[paper_table(number) for number in (2, 3, 4)],
    output:
        csv=shown("results/tables/scaling-{dataset}.csv"),
        markdown="results/tables/scaling-{dataset}.md",
        latex="results/tables/scaling-{dataset}.tex",
    log:
        "logs/tables/scaling-{dataset}.log",
    benchmark:
        "benchmarks/tables/scaling-{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options(),
        caption=caption("Residuals by the number of training spectra from {dataset}."),
        code=fingerprint("tabulate_scaling"),
    shell:
        "spectralm tabulate-scaling --residuals {input.residuals} --manifests {input.manifests}"
        " --published {input.published} --options {params.options:q} --caption {params.caption:q}"
        " --csv {output.csv} --markdown {output.markdown} --latex {output.latex} > {log} 2>&1"


rule plot_scaling:
    input:
        residuals=of_runs(trained_here("lamost"), "residuals"),
        manifests=of_runs(trained_here("lamost"), "manifests"),
        published=[paper_table(number) for number in (2, 3, 4)],
        style=STYLE,
    output:
        pdf="results/figures/scaling-{dataset}.pdf",
        png=shown("results/figures/scaling-{dataset}.png"),
    log:
        "logs/figures/scaling-{dataset}.log",
    benchmark:
        "benchmarks/figures/scaling-{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        models=CONFIG.run_models,
        options=statistics_options(),
        caption=caption(
            "Residuals on one common test set, that of the smallest scale, against the number of"
            " training spectra N, with intervals from resampling its stars. Lines: power laws"
            " fitted to the points. Grey: the paper's tables 2 to 4, each point of the test set"
            " of its own scale.",
            CONFIG.evaluation.note,
        ),
        code=fingerprint("plot_scaling"),
    shell:
        "spectralm plot-scaling --residuals {input.residuals} --manifests {input.manifests}"
        " --published {input.published} --models {params.models} --options {params.options:q}"
        " --caption {params.caption:q} --pdf {output.pdf} --png {output.png} > {log} 2>&1"


rule tabulate_snr:
    input:
        residuals_at,
    output:
        csv=shown("results/tables/snr-{dataset}-{scale}.csv"),
        markdown="results/tables/snr-{dataset}-{scale}.md",
        latex="results/tables/snr-{dataset}-{scale}.tex",
    log:
        "logs/tables/snr-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/tables/snr-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        options=statistics_options("snr_bins"),
        caption=caption(
            "Residuals (model minus survey) on the test spectra of a sample of {scale} spectra"
            " from {dataset}."
        ),
        code=fingerprint("tabulate_snr"),
    shell:
        "spectralm tabulate-snr --residuals {input} --options {params.options:q}"
        " --caption {params.caption:q} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule plot_snr:
    input:
        residuals=residuals_at,
        style=STYLE,
    output:
        pdf="results/figures/snr-{dataset}-{scale}.pdf",
        png=shown("results/figures/snr-{dataset}-{scale}.png"),
    log:
        "logs/figures/snr-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/figures/snr-{dataset}-{scale}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        models=CONFIG.run_models,
        options=statistics_options("snr_bins"),
        caption=caption(
            "Residuals on the test spectra of a sample of {scale} spectra from {dataset} by"
            " signal-to-noise ratio, all classes together, whose shares differ from bin to bin;"
            " bins of fewer than five spectra are left out. Bars are bootstrap intervals.",
            CONFIG.evaluation.note,
        ),
        code=fingerprint("plot_snr"),
    shell:
        "spectralm plot-snr --residuals {input.residuals} --models {params.models}"
        " --options {params.options:q} --caption {params.caption:q} --pdf {output.pdf}"
        " --png {output.png} > {log} 2>&1"


rule tables:
    input:
        expand("results/tables/table{number}.md", number=[2, 3, 4]),
        expand(
            "results/tables/{table}-lamost-{scale}.md",
            table=["residuals", "confusion", "calibration", "snr"],
            scale=CONFIG.scales("lamost"),
        ),
        "results/tables/scaling-lamost.md",
        "results/tables/sample-lamost.csv",
        expand(
            "results/tables/rejects-{dataset}.csv",
            dataset=[*CONFIG.datasets, *CONFIG.external],
        ),
        [
            "results/tables/table1.md",
            "results/tables/table5.md",
            "results/tables/table6.md",
            f"results/tables/elements-apogee-{max(CONFIG.scales('apogee'))}.md",
            f"results/tables/calibration-apogee-{max(CONFIG.scales('apogee'))}.md",
        ]
        if CONFIG.runs_on("apogee")
        else [],
        [
            f"results/tables/table{number}.md"
            for number, learned in LEARNED.items()
            if CONFIG.external and CONFIG.runs_on(learned)
        ],


rule figures:
    input:
        expand(
            "results/figures/{figure}-{run}.png",
            figure=["residuals", "histograms", "confusion"],
            run=CONFIG.runs_on("lamost"),
        ),
        expand(
            "results/figures/calibration-{run}.png",
            run=[run for run in CONFIG.runs if run.model in CONFIG.llms],
        ),
        expand("results/figures/snr-lamost-{scale}.png", scale=CONFIG.scales("lamost")),
        "results/figures/scaling-lamost.png",
        expand(
            "results/figures/residuals-{run}.png",
            run=[run for run in CONFIG.runs_on("apogee") if run.model in CONFIG.llms],
        ),
        # Of language models, as in the paper; those of other runs can be asked for by name.
        expand(
            "results/figures/{dataset}-{run}.png",
            dataset=CONFIG.external,
            run=[
                run
                for learned in CONFIG.datasets
                for run in largest(learned)
                if run.model in CONFIG.llms
            ],
        ),
