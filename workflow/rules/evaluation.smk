# Wants: predictions of every run, manifests and rejects.
# Gives: residuals, tables and figures; `snakemake tables` and `snakemake figures` make those alone.


rule compute_residuals:
    input:
        samples=get_judging_files("samples"),
        spectra=get_judging_files("spectra"),
        predictions=get_judging_files("predictions/{model}-{learned}-{scale}"),
        floor=FLOOR or [],
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
        floor=f"--floor {FLOOR}" if FLOOR else "",
        code=fingerprint("compute_residuals"),
    shell:
        "spectralm compute-residuals --samples {input.samples} --spectra {input.spectra}"
        " --predictions {input.predictions} {params.floor} --targets {params.targets}"
        " --out {output} > {log} 2>&1"


# A job makes the tables, or the figures, of one list of workflow/functions/evaluation.smk.
for command, folder, (first, *others), key, items in MADE_TOGETHER:

    rule:
        name:
            f"{command}_{key}"
        input:
            **items.files,
            style=STYLE if command == "plot" else [],
        output:
            [shown(path) for path in items.paths(f"results/{folder}", first)],
            items.paths(f"results/{folder}", *others),
        log:
            items.paths(f"logs/{folder}", ".log")[0],
        benchmark:
            items.paths(f"benchmarks/{folder}", ".tsv")[0]
        wildcard_constraints:
            model=any_of(items.models),
        conda:
            "../envs/plots.yaml"
        params:
            command=command,
            names=items.names,
            at=f"--at {items.at}" if items.at else "",
            files=get_arguments,
            arguments=items.arguments,
            options=evaluation_options(*items.options),
            out=lambda wildcards, output: Path(output[0]).parent,
            code=items.code(command, folder),
        shell:
            "spectralm {params.command} {params.names} {params.at} {params.files}"
            " {params.arguments} --options {params.options:q} --out {params.out} > {log} 2>&1"


rule figures:
    input:
        figures_of("llm", CONFIG.runs_on("lamost")),
        figures_of("baseline", CONFIG.runs_on("lamost")),
        expand(
            FIGURES["snr"].paths("results/figures", ".png"),
            scale=CONFIG.scales("lamost"),
        ),
        FIGURES["scaling"].paths("results/figures", ".png"),
        # Of language models, as in the paper; those of other runs can be asked for by name.
        figures_of("llm_abundances", CONFIG.runs_on("apogee")),
        figures_of(
            "external",
            [
                run
                for learned in CONFIG.datasets
                for run in largest(learned)
                if run.model in CONFIG.llms
            ],
        ),


rule tables:
    input:
        tables_of("labels") if CONFIG.runs_on("apogee") else [],
        tables_of("llm"),
        tables_of("all_models"),
        tables_of("llm_and_resnet"),
        tables_of("abundances") if CONFIG.runs_on("apogee") else [],
        tables_of("external_parameters"),
        tables_of("external_abundances"),
        tables_of("lamost", scale=CONFIG.scales("lamost")),
        tables_of("scaling"),
        tables_of("sample"),
        tables_of("rejects", dataset=[*CONFIG.datasets, *CONFIG.external]),
        tables_of("apogee", scale=CONFIG.scales("apogee")[-1:]),
