# Wants: every table and figure, counts of cuts and rejects, and the models' manifests.
# Gives: one page to read.


rule write_report:
    input:
        key=f"results/tables/table{TABLE_OF_ALL}.csv",
        tables=[path for path in rules.tables.input if path.endswith(".md")],
        figures=rules.figures.input,
        counts=[
            *(path for path in rules.tables.input if path.endswith(".csv")),
            rules.build_catalogue.output.cuts,
            *(
                f"results/catalogues/{name}.stars.cuts.csv"
                for name in CONFIG.datasets
                if name != "lamost"
            ),
        ],
        captions=sorted(Path(workflow.basedir, "workflow", "report").glob("*/*.rst")),
        manifests=of_runs(CONFIG.runs, "manifests"),
    output:
        "results/report/index.html",
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report.tsv"
    conda:
        "../envs/plots.yaml"
    params:
        rules=benchmark_patterns,
        config=CONFIG.model_dump_json(),
        note=CONFIG.evaluation.note,
        code=fingerprint("write_report"),
    shell:
        "spectralm write-report --key {input.key} --tables {input.tables}"
        " --figures {input.figures} --counts {input.counts} --captions {input.captions:q}"
        " --manifests {input.manifests} --benchmarks benchmarks --rules {params.rules:q}"
        " --config {params.config:q} --note={params.note:q} --out {output} > {log} 2>&1"
