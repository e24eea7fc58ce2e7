# Functions of the rules of report.smk.


def template(name):
    """A file of the report's wing that is no code, such as a template."""
    return str(source("spectralm.report").with_name(name))


def get_benchmark_patterns(wildcards):
    """Params function: the regular expression of the paths of each rule's benchmarks."""
    timed = (rule for rule in workflow.rules if rule.benchmark)
    return json.dumps({rule.name: rule.benchmark.regex().pattern for rule in timed})


def modules_of_items():
    """All modules of tables and figures, whose titles and captions the report shows."""
    return [
        f"spectralm.evaluation.{package}.{path.stem}"
        for package in ("tables", "figures")
        for path in sorted(
            source(f"spectralm.evaluation.{package}").parent.glob("[a-z]*.py")
        )
    ]


def cards():
    """A card beside each adapter that was trained here, and one beside the questions of each
    dataset."""
    runs = [run for run in CONFIG.runs if run.model in CONFIG.llms]
    return [
        *(
            f"results/models/{run}/README.md"
            for run in runs
            if run.model not in ADOPTED
        ),
        *(
            f"results/qa/{name}/README.md"
            for name in sorted({run.dataset for run in runs})
        ),
    ]
