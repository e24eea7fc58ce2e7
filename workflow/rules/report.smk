# Wants: every table and figure, counts of cuts and rejects, the models and the questions.
# Gives: one page to read, and a card beside each adapter and each folder of questions.

#: Tables that the report shows with the cuts of the catalogues.
COUNTS = ("results/tables/sample", "results/tables/rejects")


rule write_report:
    input:
        key=tables_of("all_models"),
        elements=tables_of("apogee", scale=CONFIG.scales("apogee")[-1:])[:1],
        tables=[path for path in rules.tables.input if not path.startswith(COUNTS)],
        figures=rules.figures.input,
        rejects=[path for path in rules.tables.input if path.startswith(COUNTS)],
        cuts=[
            rules.build_catalogue.output.cuts,
            *(
                f"results/catalogues/{name}.stars.cuts.csv"
                for name in [*CONFIG.datasets, *CONFIG.external]
                if name != "lamost"
            ),
        ],
        manifests=of_runs(CONFIG.runs, manifest_of),
        template=[template("report.html.j2"), template("report.css")],
    output:
        "results/report/index.html",
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        files=get_arguments,
        rules=get_benchmark_patterns,
        config=CONFIG.model_dump_json(),
        options=CONFIG.evaluation.model_dump_json(),
        code=fingerprint("write_report", *modules_of_items()),
    shell:
        "spectralm write-report {params.files} --benchmarks benchmarks --rules {params.rules:q}"
        " --config {params.config:q} --options {params.options:q} --out {output} > {log} 2>&1"


rule write_model_card:
    input:
        adapter="results/models/{model}-{dataset}-{scale}/adapter_config.json",
        manifest="results/models/{model}-{dataset}-{scale}/manifest.json",
        residuals="results/residuals/{model}-{dataset}-{scale}/{dataset}.parquet",
        template=template("model_card.md.j2"),
    output:
        "results/models/{model}-{dataset}-{scale}/README.md",
    log:
        "logs/cards/{model}-{dataset}-{scale}.log",
    benchmark:
        "benchmarks/cards/{model}-{dataset}-{scale}.tsv"
    wildcard_constraints:
        model=any_of(CONFIG.llms),
    conda:
        "../envs/plots.yaml"
    params:
        grid=CONFIG.spectra.model_dump_json(),
        note=CONFIG.evaluation.note,
        code=fingerprint("write_model_card"),
    shell:
        "spectralm write-model-card --adapter {input.adapter} --manifest {input.manifest}"
        " --residuals {input.residuals} --grid {params.grid:q} --note={params.note:q}"
        " --out {output} > {log} 2>&1"


rule write_dataset_card:
    input:
        samples=get_all_shards("samples"),
        spectra=get_all_shards("spectra"),
        rejects=get_question_rejects,
        template=template("dataset_card.md.j2"),
    output:
        "results/qa/{dataset}/README.md",
    log:
        "logs/cards/{dataset}.log",
    benchmark:
        "benchmarks/cards/{dataset}.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        note=CONFIG.evaluation.note,
        code=fingerprint("write_dataset_card"),
    shell:
        "spectralm write-dataset-card --dataset {wildcards.dataset} --samples {input.samples}"
        " --spectra {input.spectra} --rejects {input.rejects} --note={params.note:q}"
        " --out {output} > {log} 2>&1"
