"""Abundances that each run reads from lines, and those that follow from correlations."""

from collections.abc import Sequence

from spectralm.evaluation.cells import FLOOR, TRUTH, ratio, value
from spectralm.evaluation.elements import (
    CONFIDENCE,
    CORRELATIONS,
    EXTERNAL_SURVEYS,
    LEAST,
    LINES,
    MODERATE,
    OTHER_LINES,
    OWN_LINES,
    WEAK,
    WELL,
    Element,
    elements,
)
from spectralm.evaluation.external import TITLES
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import NOTHING, Panel, Table, sentences
from spectralm.labels.vocabulary import LABELS

TITLE = "Abundances by element"
CAPTION = "Abundances by the models of a sample of {scale} spectra from {dataset}."
Row = Element


def rows(inputs: Inputs) -> list[Element]:
    """A row per run and element."""
    external = {
        (run, dataset): table
        for dataset in EXTERNAL_SURVEYS
        for run, table in inputs.residuals_against(dataset)
    }
    return elements(dict(inputs.own()), external, inputs.trainings, inputs.options)


def table(rows: Sequence[Element], inputs: Inputs) -> Table:
    """A row per element of each run."""
    options = inputs.options
    runs = dict.fromkeys(row.run for row in rows)
    parts = [
        f"Groups by the largest σ (dex; of at least {LEAST} unseen stars' spectra) against an "
        f"external survey: {WELL}, up to {options.well_determined:g}; {WEAK}, above "
        f"{options.weak:g}; {MODERATE}, between. Paper: its groups, for which it gives no limits.",
        "N, RMSE (dex): test spectra from APOGEE, all classes. Trivial: RMSE of [X/Fe] from "
        "LAMOST's Teff, log g and [Fe/H] alone, on the same spectra. Ratio: RMSE / trivial "
        f"[central {CONFIDENCE:.0%} of {options.resamples} bootstrap resamples of the stars]. "
        f"Read from: {CORRELATIONS}, if that interval reaches 1; else {LINES}: where the "
        f"Cramér-Rao bound is known, {OWN_LINES} if its median is no larger than the trivial RMSE, "
        f"and {OTHER_LINES} if it is.",
        *((FLOOR, TRUTH) if any(row.floor_ratio is not None for row in rows) else ()),
        inputs.notes(runs),
    ]
    if all(row.rmse_trivial is None for row in rows):
        parts.append(
            "The model of Teff, log g and [Fe/H] alone (from_parameters) was not run, so what "
            "elements are read from is not known."
        )
    if all(row.group is None for row in rows):
        parts.append("No external survey gives a sigma, so there are no groups.")
    heads = ("Element", "Group", "Paper", *(f"σ, {TITLES[name]}" for name in EXTERNAL_SURVEYS), "N")
    heads += ("RMSE", "Trivial", "Ratio", "/ floor", "− truth", "Read from")
    blocks = {run: tuple(_cells(row) for row in rows if row.run == run) for run in runs}
    panel = Panel(sentences(*parts), heads, "lllccrcccrrl", blocks)
    return Table(inputs.caption(CAPTION), [panel], options.note)


def _cells(row: Element) -> tuple[str, ...]:
    label = LABELS[row.label]
    rmse, trivial, *sigmas = (
        value(found, label)
        for found in (row.rmse, row.rmse_trivial, row.sigma_gaia_eso, row.sigma_galah)
    )
    against = NOTHING if row.ratio is None else f"{row.ratio:.2f}"
    if row.ratio_low is not None:
        against += f" [{row.ratio_low:.2f}, {row.ratio_high:.2f}]"
    words = [text or NOTHING for text in (row.group, row.group_paper)]
    last = row.source or NOTHING
    return (
        label.latex,
        *words,
        *sigmas,
        str(row.used),
        rmse,
        trivial,
        against,
        ratio(row.floor_ratio),
        value(row.truth_std, label),
        last,
    )
