import numpy as np
import pytest
from evaluation.rows import CLASS_MEAN, GIVEN_CLASS, plot, rows_of, write_manifest, write_residuals
from matplotlib import pyplot as plt

from spectralm.evaluation import scatter
from spectralm.evaluation.figures import histograms
from spectralm.evaluation.figures import residuals as figure_of_residuals
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.residuals import residuals
from spectralm.evaluation.style import looks, save, style
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, Targets


@pytest.fixture
def table(manifest, predictions):
    return residuals(manifest, manifest["obsid"], predictions, "run")


def texts(figure) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


def histograms_of(folder, table):
    path = write_residuals(folder, "llm-lamost-3000", "lamost", table)
    return histograms.draw(Inputs(residuals=[path]))


@pytest.mark.parametrize("name", ["residuals", "histograms"])
def test_files_are_the_same_bytes_each_time(tmp_path, table, name):
    source = write_residuals(tmp_path, "ridge-lamost-3000", "lamost", table)
    written = []
    for folder in ("a", "b"):
        pdf, png = plot(tmp_path / folder, name, at="ridge-lamost-3000", residuals=[source])
        written.append((pdf.read_bytes(), png.read_bytes()))
    assert written[0] == written[1]
    assert written[0][0].startswith(b"%PDF")
    assert b"CreationDate" not in written[0][0]
    height, width = plt.imread(png).shape[:2]
    assert width == 2130
    assert height < width * 1.25


@pytest.mark.parametrize("limit", [100, 5000])
def test_panels_show_number_mean_and_sigma(table, limit, monkeypatch):
    monkeypatch.setattr(scatter, "MOST_POINTS", limit)
    residual = table["teff_residual"].drop_null().to_numpy()
    with style():
        figure = scatter.predicted_against_survey("class_mean-lamost-3000", table, "C.", "")
        shown = texts(figure)
        save(figure)
    assert f"$N$ = {len(residual)}" in shown
    assert f"$\\sigma$ = {residual.std():.0f}" in shown


def test_the_figure_has_its_caption_and_the_note_of_its_model(tmp_path, table):
    run = "class_mean-lamost-3000"
    path = write_residuals(tmp_path, run, "lamost", table)
    manifest = write_manifest(tmp_path, run, **CLASS_MEAN)
    with style():
        figure = figure_of_residuals.draw(Inputs(residuals=[path], manifests=[manifest]))
        title, caption = figure.get_suptitle(), figure.get_supxlabel()
        save(figure)
    assert title.startswith(f"{run}: {len(table)} test spectra, ")
    assert title.endswith(GIVEN_CLASS)
    assert caption.startswith("Test spectra of a sample of 3000 spectra from lamost.")


def test_spectra_beyond_the_range_are_counted(tmp_path, table):
    with style():
        figure = histograms_of(tmp_path, table)
        panel = figure.axes[-1]
        beyond = [t.get_text() for t in panel.texts if "beyond" in t.get_text()]
        save(figure)
    residual = table["feh_residual"].drop_null().to_numpy()
    half = 5 * 1.4826 * np.median(np.abs(residual - np.median(residual)))
    outside = int(np.sum(np.abs(residual - np.median(residual)) > half))
    assert beyond == [f"{outside} beyond"]


def test_a_class_without_spectra_says_so(tmp_path, table):
    cool = table.filter(np.isin(table["class"].to_numpy(), ["K", "M"]))
    with style():
        by_class = histograms_of(tmp_path, cool)
        against = scatter.predicted_against_survey("llm-lamost-3000", cool[:0], "C.", "")
        assert texts(by_class).count("no residuals") == 9
        assert "no residuals" in against.texts[0].get_text()
        save(by_class)
        save(against)


@pytest.fixture
def abundances():
    """Residuals of a survey that has no cerium; one magnesium is far off, one prediction wild."""
    random = np.random.default_rng(3)
    n = 300
    columns = {"class": random.choice(CLASSES, n), "snrr": random.uniform(10, 99, n)}
    for label in ABUNDANCES[:-1]:
        truth, error = random.normal(0, 0.2, n), random.normal(0.05, 0.1, n)
        if label.name == "mg_fe":
            truth[0], error[1] = 9.0, 7.0
        columns |= {label.name: truth, f"{label.name}_predicted": truth + error}
        columns |= {f"{label.name}_residual": error}
    return rows_of(Targets.ABUNDANCES, **columns)


@pytest.mark.parametrize("limit", [100, 5000])
def test_abundances_are_small_panels_that_show_the_same(abundances, limit, monkeypatch):
    monkeypatch.setattr(scatter, "MOST_POINTS", limit)
    with style():
        figure = scatter.predicted_against_survey("llm-apogee-300", abundances, "C.", "")
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        caption = figure.get_supxlabel()
        shown = texts(figure)
        save(figure)
    assert sum(bool(title) for title in titles) == 20
    residual = abundances["mg_fe_residual"].to_numpy()
    mg = f"[Mg/Fe], $N$ = 300\n$\\mu$ = {residual.mean():.2f}, $\\sigma$ = {residual.std():.2f}"
    assert mg in titles
    assert caption.replace("\n", " ").endswith("No residuals of [Ce/Fe].")
    assert "beyond" in shown


def test_residuals_off_the_strip_are_drawn_at_its_edge(abundances):
    with style():
        figure = scatter.predicted_against_survey("llm-apogee-300", abundances, "C.", "")
        place = [axes.get_title(loc="left")[:7] for axes in figure.axes].index("[Mg/Fe]")
        strip = figure.axes[place + scatter.COLUMNS]
        heights = strip.collections[0].get_offsets()[:, 1]
        top = strip.get_ylim()[1]
        save(figure)
    assert heights.max() == top
    assert np.sum(heights == top) == 1


def test_no_two_models_look_the_same():
    models = [f"m{number}" for number in range(20)]
    pairs = {tuple(look.values()) for look in looks(models).values()}
    assert len(pairs) == 20
    assert looks(models)["m3"] == looks(models[:5])["m3"]
