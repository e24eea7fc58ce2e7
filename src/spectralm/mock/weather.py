"""Observing conditions in the headers of LAMOST's spectra."""

import numpy as np

EXPOSURES = (600.0, 900.0, 1500.0, 1800.0)  # s; an observation has three equal exposures


def draw_weather(lmjd: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values of header cards, by their names in the table of cards; arrays are [spectra]."""
    number = lmjd.size
    minute = lmjd * 1440 + rng.integers(-300, 300, number)
    exposure = rng.choice(EXPOSURES, number)
    step = (exposure / 60).astype(int) + 5
    chi2 = rng.uniform(1.6, 2.6, number)
    standards = rng.integers(3, 7, number)
    return {
        "written": _times(rng.integers(0, 200 * 86400, number) + 1_706_745_600),
        # Local time is eight hours ahead; the Unix epoch is MJD 40587.
        "middle": _times((minute - 480 + 2 * step) * 60 - 40587 * 86400),
        "begin": _times(minute * 60 - 40587 * 86400, ".0"),
        "end": _times((minute + 3 * step) * 60 - 40587 * 86400, ".0"),
        "minute": minute,
        "minutes": np.array(
            [
                f"{m}-{m + s}-{m + 2 * s}"
                for m, s in zip(minute.tolist(), step.tolist(), strict=True)
            ]
        ),
        "exposure": 3 * exposure,
        "scatter": rng.uniform(2, 12, number),
        "seeing": rng.uniform(2.4, 4.2, number),
        "moon": (lmjd - 51550) % 29.53,
        "temperature": rng.normal(5, 9, number),
        "dew_point": rng.normal(-8, 6, number),
        "humidity": rng.uniform(10, 80, number),
        "wind_direction": rng.uniform(0, 360, number),
        "wind_speed": rng.gamma(2, 1.2, number),
        "heliocentric": 28 * np.sin(2 * np.pi * (lmjd - 51544) / 365.25) + rng.normal(0, 1, number),
        "skies": rng.integers(17, 22, number),
        "sky_chi2": chi2,
        "sky_chi2_min": chi2 - rng.uniform(0.2, 0.6, number),
        "sky_chi2_max": chi2 + rng.uniform(0.2, 0.6, number),
        "standards_number": standards,
        "standards": np.array(
            ["-".join(map(str, rng.integers(1, 251, size))) for size in standards.tolist()]
        ),
        "cell": np.array(
            [
                f"{a}{n:04d}"
                for a, n in zip(
                    rng.choice(list("BCDEFG"), number), rng.integers(101, 3999, number), strict=True
                )
            ]
        ),
        "target_source": rng.choice(["LMSTAR", "HRD", "VB3", "Kepler"], number),
        "target_list": rng.choice(["LRS_HRD", "GAIA", "PS1"], number),
    }


def _times(seconds: np.ndarray, fraction: str = "") -> np.ndarray:
    """Unix times in ISO 8601 format."""
    return np.char.add(seconds.astype("datetime64[s]").astype(str), fraction)
