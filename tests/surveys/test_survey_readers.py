"""APOGEE, GALAH and Gaia-ESO files, with all kinds of errors in them."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from spectralm.errors import InputError
from spectralm.labels.vocabulary import ABUNDANCES, SPECIES
from spectralm.schemas import REJECTS, STARS, schema
from spectralm.surveys.apogee import APOGEE
from spectralm.surveys.gaia_eso import GREVESSE_2007, Sun, gaia_eso
from spectralm.surveys.gaia_eso import SPECIES as GES_SPECIES
from spectralm.surveys.galah import ELEMENTS as GALAH_ELEMENTS
from spectralm.surveys.galah import galah
from spectralm.surveys.survey import Stars, Survey, read_stars

GAIA = 605945363488930688
ROWS = 6


def apogee_columns() -> dict[str, np.ndarray]:
    """Six good stars of APOGEE."""
    star = np.arange(ROWS)
    columns = {
        "APOGEE_ID": np.array([f"2M{i:08d}+{i:07d}" for i in star]),
        "RA": 10.0 + star,
        "DEC": 20.0 + star,
        "SNR": np.full(ROWS, 100, "f4"),
        "ASPCAPFLAG": np.zeros(ROWS, "i8"),
        "EXTRATARG": np.zeros(ROWS, "i4"),
        "GAIA_SOURCE_ID": GAIA + 128 * star,
        "GAIA_PMRA": np.full(ROWS, 1.5, "f4"),
        "GAIA_PMDEC": np.full(ROWS, -2.5, "f4"),
        "GAIA_PHOT_G_MEAN_MAG": np.full(ROWS, 12.5, "f4"),
        "TEFF": np.full(ROWS, 4800, "f4"),
        "LOGG": np.full(ROWS, 2.5, "f4"),
        "FE_H": np.full(ROWS, -0.25, "f4"),
        "FE_H_FLAG": np.zeros(ROWS, "i4"),
    }
    for i, species in enumerate(SPECIES):
        columns[f"{species}_FE"] = np.full(ROWS, i / 64, "f4")
        columns[f"{species}_FE_FLAG"] = np.zeros(ROWS, "i4")
    return columns


def galah_columns() -> dict[str, np.ndarray]:
    """Six good stars of GALAH, whose flag of [Fe/H] is to be ignored."""
    star = np.arange(ROWS)
    columns = {
        "sobject_id": 131116000501000 + star,
        "gaiadr3_source_id": GAIA + 128 * star,
        "ra": 10.0 + star,
        "dec": -20.0 + star,
        "snr_px_ccd3": np.full(ROWS, 60, "f4"),
        "flag_sp": np.zeros(ROWS, "i4"),
        "flag_fe_h": np.ones(ROWS, "i4"),
    }
    for name in ("teff", "logg", "fe_h", *GALAH_ELEMENTS):
        columns[name] = np.full(ROWS, 0.125, "f4")
    columns |= {f"flag_{name}": np.zeros(ROWS, "i4") for name in GALAH_ELEMENTS}
    return columns


def gaia_eso_columns() -> dict[str, np.ndarray]:
    """Six stars of Gaia-ESO with solar ratios at [Fe/H] = -0.5."""
    star = np.arange(ROWS)
    columns = {
        "OBJECT": np.array([f"0000000{i}-0000000" for i in star]),
        "GES_FLD": np.full(ROWS, "GES_MW_0001"),
        "RA": 10.0 + star,
        "DECLINATION": -20.0 + star,
        "SNR": np.full(ROWS, 60, "f4"),
        "TEFF": np.full(ROWS, 5800.0),
        "LOGG": np.full(ROWS, 4.25),
        "FEH": np.full(ROWS, -0.5),
    }
    solar = {species: GREVESSE_2007[label] for label, species in GES_SPECIES.items()}
    return columns | {species: np.full(ROWS, value - 0.5) for species, value in solar.items()}


@pytest.fixture
def read(tmp_path: Path):
    """Write columns as a FITS file and read it."""

    def of(columns: dict[str, np.ndarray], survey: Survey) -> Stars:
        path = tmp_path / "survey.fits"
        Table(columns).write(path, overwrite=True)
        return read_stars(path, survey)

    return of


def reasons(stars: Stars) -> dict[str, str]:
    """Detail by reason."""
    return {row["reason"]: row["detail"] for row in stars.rejects.to_pylist()}


def test_good_stars_keep_all_values(read):
    stars = read(apogee_columns(), APOGEE)
    assert stars.stars.schema.equals(schema(STARS), check_metadata=True)
    assert stars.rejects.schema.equals(schema(REJECTS))
    assert (stars.stars.num_rows, stars.rejects.num_rows) == (ROWS, 0)
    assert stars.stars.to_pylist()[1] == {
        "survey_id": "2M00000001+0000001",
        **{"ra": 11.0, "dec": 21.0, "epoch": 2000.0, "pmra": 1.5, "pmdec": -2.5},
        **{"gaia_source_id": str(GAIA + 128), "gaia_release": "DR2", "gmag": 12.5, "snr": 100.0},
        **{"teff": 4800.0, "logg": 2.5, "feh": -0.25},
        **{a.name: i / 64 for i, a in enumerate(ABUNDANCES)},
    }


def test_galahs_flags_are_used_except_that_of_iron(read):
    columns = galah_columns()
    columns["flag_mg_fe"][2] = 1
    columns["flag_sp"][3] = 1
    columns["snr_px_ccd3"][4] = 30
    columns["snr_px_ccd3"][5] = np.nan
    stars = read(columns, galah(30.0))
    assert stars.stars["mg_fe"].to_pylist() == [0.125, 0.125, None]
    assert stars.stars["feh"].to_pylist() == [0.125] * 3
    assert stars.stars["gaia_release"].to_pylist() == ["DR3"] * 3
    for label in ("ci_fe", "p_fe", "s_fe", "tiii_fe"):
        assert stars.stars[label].null_count == 3
    assert {(row["reason"], row["detail"]) for row in stars.rejects.to_pylist()} == {
        ("flag_sp set", "131116000501003: flag_sp is 1"),
        ("S/N too low", "131116000501004: snr is 30"),
        ("S/N too low", "131116000501005: snr is missing"),
    }


def test_gaia_esos_abundances_become_relative_to_iron(read):
    columns = gaia_eso_columns()
    columns["MG1"][0] += 0.25
    columns["C_C2"][1] = np.nan
    columns["C1"][1] += 0.125
    columns["FEH"][2] = np.nan
    columns["UPPER_CU1"] = np.array([0, 0, 0, 1, 0, 0], "i4")
    table = read(columns, gaia_eso(Sun.GREVESSE_2007)).stars
    assert table["mg_fe"].to_pylist()[:3] == pytest.approx([0.25, 0, None])
    assert table["c_fe"].to_pylist()[:2] == pytest.approx([0, 0.125])
    assert table["cu_fe"].to_pylist()[3:5] == pytest.approx([None, 0])
    assert table["k_fe"].null_count == table["p_fe"].null_count == ROWS
    assert table["gaia_source_id"].null_count == ROWS


def test_gaia_esos_own_sun(read):
    columns = gaia_eso_columns()
    columns["OBJECT"][[1, 4]] = "Sun_Benchmarks_Bor", "Sun_x"
    columns["SNR"][4] = 500
    columns["MG1"][4], columns["MG1"][1], columns["CE2"][4] = 7.5, 9.9, np.nan
    columns["CE2"][1] = 1.5
    columns["MG1"][0] = 7.25
    table = read(columns, gaia_eso(Sun.SURVEY)).stars
    assert table["mg_fe"][0].as_py() == pytest.approx(7.25 - 7.5 + 0.5)
    assert table["ce_fe"][0].as_py() == pytest.approx(1.2 - 1.5 + 0.5)
    with pytest.raises(InputError, match=r"no row is called Sun.*sun to grevesse2007"):
        read(gaia_eso_columns(), gaia_eso(Sun.SURVEY))


def test_a_valid_label_has_a_value_and_no_flag(read):
    """Finite values with a flag, and missing values without one, are not valid."""
    columns = apogee_columns()
    columns["MG_FE_FLAG"][0] = 4
    columns["MG_FE"][1] = -9999.99
    columns["MG_FE"][2] = np.nan
    columns["MG_FE"][3], columns["MG_FE_FLAG"][3] = -9999, 4
    columns["FE_H_FLAG"][4] = 1
    table = read(columns, APOGEE).stars
    good = SPECIES.index("MG") / 64
    assert table["mg_fe"].to_pylist() == [None, None, None, None, good, good]
    assert table["feh"].to_pylist()[3:] == [-0.25, None, -0.25]


def test_stars_without_any_valid_element(read):
    columns = apogee_columns()
    for i, species in enumerate(SPECIES):
        columns[f"{species}_FE" + "_FLAG" * (i % 2)][0] = 1 if i % 2 else -9999
    stars = read(columns, APOGEE)
    assert stars.stars.num_rows == ROWS - 1
    assert reasons(stars) == {"no valid element": "2M00000000+0000000: not one element is valid"}
    for species in SPECIES:
        columns[f"{species}_FE_FLAG"][:] = 1
    with pytest.raises(InputError, match=rf"all cut \(no valid element: {ROWS}\)"):
        read(columns, APOGEE)


def test_external_surveys_need_no_element(read):
    columns = gaia_eso_columns()
    for species in GES_SPECIES.values():
        columns[species][:2] = np.nan
    for name in ("TEFF", "LOGG", "FEH"):
        columns[name][0] = np.nan
    stars = read(columns, gaia_eso(Sun.GREVESSE_2007))
    assert stars.stars.num_rows == ROWS - 1
    assert list(reasons(stars)) == ["no valid label"]


def test_quality_cuts_of_apogee(read):
    columns = apogee_columns()
    columns["ASPCAPFLAG"][:2] = 1 << 7, 1 << 23
    columns["EXTRATARG"][2] = 16 + 2
    columns["EXTRATARG"][3] = 2
    stars = read(columns, APOGEE)
    assert stars.stars.num_rows == 3
    assert reasons(stars) == {
        "ASPCAPFLAG set": "2M00000001+0000001: aspcapflag is 8388608",
        "duplicate by EXTRATARG": "2M00000002+0000002: extratarg is 18",
    }
    assert stars.cuts["rows_before"][0].as_py() == ROWS
    assert stars.cuts["rows_left"][-1].as_py() == stars.stars.num_rows


def test_the_entry_of_higher_snr_is_kept(read):
    columns = apogee_columns()
    columns["APOGEE_ID"][1] = columns["APOGEE_ID"][0]
    columns["GAIA_SOURCE_ID"][3] = columns["GAIA_SOURCE_ID"][2]
    columns["GAIA_SOURCE_ID"][4:] = 0, -9999
    columns["SNR"][[1, 2]] = 200, 200
    columns["TEFF"] += np.arange(ROWS)
    stars = read(columns, APOGEE)
    assert stars.stars["teff"].to_pylist() == [4801, 4802, 4804, 4805]
    assert stars.stars["gaia_source_id"].null_count == 2
    assert [row["detail"] for row in stars.rejects.to_pylist()] == [
        "2M00000000+0000000: survey_id is 2M00000000+0000000",
        f"2M00000003+0000003: gaia_source_id is {GAIA + 256}",
    ]


def test_missing_positions_motions_and_magnitudes(read):
    columns = apogee_columns()
    columns["RA"][:2] = np.nan, 400
    columns["GAIA_SOURCE_ID"][1] = 0
    columns["GAIA_PMRA"][2] = np.nan
    columns["GAIA_PMDEC"][3] = -9999
    columns["GAIA_PHOT_G_MEAN_MAG"][:2] = np.nan, -9999
    columns["GAIA_PHOT_G_MEAN_MAG"][2] = 99
    stars = read(columns, APOGEE)
    table = stars.stars
    assert table["ra"].null_count == 1
    assert (table["pmra"].null_count, table["pmdec"].null_count) == (1, 1)
    assert table["gmag"].null_count == 2
    assert list(reasons(stars)) == ["no position and no Gaia id"]


@pytest.mark.parametrize(
    ("columns", "survey", "missing"),
    [
        (apogee_columns, APOGEE, "TIII_FE_FLAG"),
        (galah_columns, galah(30.0), "flag_mg_fe"),
        (gaia_eso_columns, gaia_eso(Sun.GREVESSE_2007), "N_CN"),
    ],
)
def test_the_error_of_a_missing_column_lists_the_others(read, columns, survey, missing):
    others = columns()
    del others[missing]
    with pytest.raises(InputError) as error:
        read(others, survey)
    first = next(iter(others)).lower()
    assert f"no column {missing.lower()}; there are: {first}, " in str(error.value)
    assert survey.file in str(error.value)


@pytest.mark.parametrize(
    ("columns", "old", "new", "survey", "release"),
    [
        (apogee_columns, "GAIA_SOURCE_ID", "GAIAEDR3_SOURCE_ID", APOGEE, "APOGEE DR17"),
        (apogee_columns, "CE_FE", "Y_FE", APOGEE, "APOGEE DR14 or older"),
        (galah_columns, "snr_px_ccd3", "snr_c3_iraf", galah(30.0), "GALAH DR3"),
        (galah_columns, "", "", APOGEE, "GALAH DR4"),
        (apogee_columns, "", "", gaia_eso(Sun.SURVEY), "APOGEE DR16"),
    ],
)
def test_the_file_of_another_release_or_survey_is_refused(read, columns, old, new, survey, release):
    changed = columns()
    if old:
        changed[new] = changed.pop(old)
    with pytest.raises(InputError, match=f"those of {release}, not of {survey.release}; give "):
        read(changed, survey)


@pytest.mark.parametrize(
    "rounded",
    [
        lambda ids: ids.astype(float),
        lambda ids: ids.astype(float).astype(np.int64),
        lambda ids: np.array([f"{i:.16g}" for i in ids.astype(float)]),
        lambda ids: np.array([int(f"{i:.15e}".replace(".", "")[:16]) * 100 for i in ids]),
    ],
    ids=["float64", "back to int64", "as text", "digits filled up with zeros"],
)
def test_gaia_ids_that_went_through_float64_are_refused(read, rounded):
    columns = {name: np.tile(cells, 10) for name, cells in apogee_columns().items()}
    columns["APOGEE_ID"] = np.array([f"2M{i}" for i in range(60)])
    ids = 128 * np.random.default_rng(0).integers(10**18 // 128, 6 * 10**18 // 128, 60)
    read(columns | {"GAIA_SOURCE_ID": ids}, APOGEE)
    with pytest.raises(InputError, match="went through float64"):
        read(columns | {"GAIA_SOURCE_ID": rounded(ids)}, APOGEE)


def test_ids_of_stars_that_are_decimal_numbers_are_refused(read):
    columns = galah_columns()
    columns["sobject_id"] = columns["sobject_id"].astype(float)
    with pytest.raises(InputError, match=r"ids of stars: decimal numbers"):
        read(columns, galah(30.0))


def test_a_csv_export_with_a_broken_cell(tmp_path):
    path = tmp_path / "ges.csv"
    columns = gaia_eso_columns()
    columns["TEFF"] = np.array(["5800", "58oo", *["5800"] * 4])
    Table(columns).write(path, format="ascii.csv")
    stars = read_stars(path, gaia_eso(Sun.GREVESSE_2007))
    assert stars.stars.num_rows == ROWS - 1
    assert reasons(stars) == {"unreadable row": "00000001-0000000: teff is '58oo'"}
