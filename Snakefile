# From spectra to tables of residuals, by way of text (arXiv:2605.22162).
#
# Path grammar (dataset: lamost, apogee, galah, gaia_eso: LAMOST's spectra with that survey's labels;
# run: MODEL-DATASET-SCALE; shard: 0000, 0001, ...):
#   results/catalogues/{dataset}.parquet            a row per spectrum: labels, S/N, star, file
#   results/samples/{dataset}/{shard}.parquet       frozen manifest: which spectra, which split
#   results/spectra/{dataset}/{shard}.parquet       flux on the grid, quality flags
#   results/qa/{dataset}/{split}/{shard}.{targets}.{text}.jsonl.gz      questions and answers
#   results/models/{run}/                           adapter or baseline, metrics, manifest
#   results/predictions/{run}/{dataset}/{shard}.parquet
#   results/residuals/{run}/{dataset}.parquet
#   results/tables/  results/figures/
#   results/report/index.html                       one page with all of it
#   results/catalogue/{run}.parquet .fits .vot      all predictions of a run
#   results/sky/                                    the demo's synthetic survey files
# What was refused lies beside each step's output as *.rejects.parquet.
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from snakemake.utils import min_version

from spectralm.baselines.registry import BASELINES
from spectralm.config import load, made_here
from spectralm.errors import SpectraLMError
from spectralm.evaluation.comparison import TABLES_OF_PAPERS_MODELS, ours_for
from spectralm.evaluation.published import read_published
from spectralm.evaluation.runs import scale_like
from spectralm.fingerprint import fingerprint, import_closure, source
from spectralm.labels.vocabulary import Targets
from spectralm.llm.code import weights_code
from spectralm.provenance import workspace_key

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


CONFIG = load(config)


wildcard_constraints:
    shard=r"\d{4}",
    scale=r"\d+",
    text="|".join(CONFIG.texts),
    targets="parameters|abundances",
    dataset="lamost|apogee|galah|gaia_eso",
    learned="lamost|apogee",


include: "workflow/functions/common.smk"
include: "workflow/rules/mock.smk"
include: "workflow/functions/surveys.smk"
include: "workflow/rules/surveys.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/language.smk"
include: "workflow/functions/llm.smk"
include: "workflow/rules/llm.smk"
include: "workflow/functions/baselines.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/functions/evaluation.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/inference.smk"
include: "workflow/functions/catalogue.smk"
include: "workflow/rules/catalogue.smk"
include: "workflow/functions/report.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.write_report.output,
        expand("results/catalogue/{run}.parquet", run=CONFIG.runs),
        cards(),
        expand("results/models/{run}/training_domain.safetensors", run=CONFIG.runs),
