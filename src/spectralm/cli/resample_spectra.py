"""``spectralm resample-spectra``: a manifest and its FITS files -> flux on the grid."""

import logging
import time
from pathlib import Path

from spectralm.rejects import rejects_table, write_rejects
from spectralm.samples.manifest import read_manifest
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.shards import flag_counts, resample_manifest, write_spectra

log = logging.getLogger(__name__)


def run(*, sample: Path, options: SpectraOptions, out: Path, rejects: Path) -> None:
    """Resample the spectra of a manifest; those that cannot be used are in the rejects."""
    manifest = read_manifest(sample)
    start = time.perf_counter()
    spectra, refused = resample_manifest(manifest, options)
    write_spectra(out, spectra, options)
    reasons = write_rejects(rejects, rejects_table(refused))
    speed = manifest.num_rows / (time.perf_counter() - start)
    log.info("%d of %d spectra, %.0f a second", spectra.num_rows, manifest.num_rows, speed)
    for reason, count in reasons.most_common():
        log.warning("refused %d: %s", count, reason)
    for flag, count in flag_counts(spectra).items():
        log.info("flagged %d: %s", count, flag)
